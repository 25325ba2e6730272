"""Optuna's own samplers, made anew for every trial."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from gradalign.decisions.in_memory import study_in_memory
from gradalign.search.samplers._base import Setting
from gradalign.search.samplers._history import scored


class Fresh(BaseSampler):
    """A sampler that is made anew for every trial, seeded by its number.

    What it proposes then depends on the study alone, not on what the process has proposed before.
    Where values move, it reads a copy of the study that holds the present ones.

    Args:
        setting: What it is made for.
        make: From a seed to the sampler.
    """

    def __init__(self, setting: Setting, make: Callable[[int], BaseSampler]) -> None:
        self._setting = setting
        self._make = make
        self._running: dict[int, tuple[BaseSampler, Study]] = {}

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """That of the trial's own sampler."""
        sampler, seen = self._own(study, trial)
        return sampler.infer_relative_search_space(seen, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the trial's own sampler gives."""
        sampler, seen = self._own(study, trial)
        return sampler.sample_relative(seen, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """What the trial's own sampler gives."""
        sampler, seen = self._own(study, trial)
        return sampler.sample_independent(seen, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the trial's own sampler, and forget it."""
        sampler, seen = self._own(study, trial)
        sampler.after_trial(seen, trial, state, values)
        self._running.pop(trial.number, None)

    def _own(self, study: Study, trial: FrozenTrial) -> tuple[BaseSampler, Study]:
        if trial.number not in self._running:
            seed = random.Random(f"{self._setting.seed}:{trial.number}").getrandbits(32)
            seen = study if self._setting.values is None else _present(study, self._setting)
            self._running[trial.number] = self._make(seed), seen
        return self._running[trial.number]


def _present(study: Study, setting: Setting) -> Study:
    """A copy of the study in memory: its scored trials at their present values, and the pruned."""
    copy = study_in_memory(study.directions)
    by_number = {each.trial.number: each.values for each in scored(study, setting.values)}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)):
        copy.add_trial(
            create_trial(
                state=trial.state,
                values=by_number.get(trial.number),
                params=trial.params,
                distributions=trial.distributions,
                system_attrs=trial.system_attrs,  # what was infeasible
            )
        )
    return copy
