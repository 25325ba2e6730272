"""What a function of a trial asks for, where some of it is decided."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial

from gradalign.decisions.distributions import draw
from gradalign.decisions.in_memory import study_in_memory


@dataclass(frozen=True)
class Asked:
    """What a function asked for, in its order.

    Args:
        decisions: What it was answered, by name.
        distributions: What each of them may be.
    """

    decisions: Mapping[str, Any]
    distributions: Mapping[str, BaseDistribution]


def asked(function: Callable[[Trial], object], decisions: Mapping[str, Any]) -> Asked:
    """Call `function` with a trial that answers as decided, and see what it asks for.

    What it asks for besides, because a decision uncovers it, is answered like the last question
    that could be answered so, as the width of a further layer by that of the layer before; where
    there is none, by a value that is drawn, always the same.
    """
    study = study_in_memory([StudyDirection.MAXIMIZE], _LikeTheLast())
    study.enqueue_trial(dict(decisions))
    trial = study.ask()
    function(trial)
    return Asked(trial.params, trial.distributions)


class _LikeTheLast(BaseSampler):
    """Answers as the last question of the same distribution was answered."""

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """None: every question is answered when it is asked."""
        return {}

    def sample_relative(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,  # noqa: ARG002
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Nothing."""
        return {}

    def sample_independent(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The answer to one question."""
        alike = [n for n, other in trial.distributions.items() if other == param_distribution]
        if alike:
            return trial.params[alike[-1]]
        return draw(param_distribution, random.Random(param_name))
