"""Samplers that plan an architecture as a whole, from the finished trials alone."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from gradalign.decisions.distributions import draw, fits
from gradalign.search.samplers._base import Setting


class Planned(BaseSampler):
    """A sampler whose every proposal is planned when the first suggestion is asked for.

    What the plan does not say, or says otherwise than the distribution allows, is drawn at random.
    What it says depends on the finished trials alone, not on what was proposed before.

    Args:
        setting: What it is made for.
    """

    several = False
    """Whether it can seek several objectives at once."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._plans: dict[int, Mapping[str, Any]] = {}  # of trials that run

    @abstractmethod
    def plan(self, study: Study, rng: random.Random) -> Mapping[str, Any]:
        """The decisions to propose next; empty: an architecture drawn at random.

        Args:
            study: What has been tried.
            rng: The only randomness that the plan may depend on.
        """

    def infer_relative_search_space(
        self,
        study: Study,
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """None: which suggestions are asked for shows only while an architecture is made."""
        self._check(study)
        return {}

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,  # noqa: ARG002
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Nothing, as there is no relative search space."""
        self._check(study)
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """What the plan of the trial says; else a draw."""
        self._check(study)
        if trial.number not in self._plans:
            self._plans[trial.number] = self.plan(study, self._generator(trial))
        plan = self._plans[trial.number]
        if param_name in plan and fits(param_distribution, plan[param_name]):
            return plan[param_name]
        return draw(param_distribution, self._generator(trial, param_name))

    def after_trial(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,
        state: TrialState,  # noqa: ARG002
        values: Sequence[float] | None,  # noqa: ARG002
    ) -> None:
        """Forget the plan of a trial that has ended."""
        self._plans.pop(trial.number, None)

    def _generator(self, trial: FrozenTrial, *further: str) -> random.Random:
        return random.Random(":".join([str(self._setting.seed), str(trial.number), *further]))

    def _check(self, study: Study) -> None:
        if not self.several:
            self._raise_error_if_multi_objective(study)
