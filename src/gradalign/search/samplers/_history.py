"""What a study holds: the scored trials, and what they are worth at present."""

from __future__ import annotations

import math
from dataclasses import dataclass

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from gradalign.search.samplers._base import Values


@dataclass(frozen=True)
class Scored:
    """A scored trial.

    Args:
        trial: The trial.
        values: What it is worth at present, one for each direction; what is no number counts as
            the worst of all.
        gains: The same, turned so that more is better.
    """

    trial: FrozenTrial
    values: tuple[float, ...]
    gains: tuple[float, ...]

    def beats(self, other: Scored) -> bool:
        """Whether it is at least as good in everything, and better in something."""
        return self.gains != other.gains and all(
            own >= its for own, its in zip(self.gains, other.gains, strict=True)
        )


def scored(study: Study, values: Values | None) -> list[Scored]:
    """The scored trials in the order of their numbers.

    Args:
        study: The study.
        values: Where their present values come from; None: those that were told.
    """
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    present = [trial.values for trial in trials] if values is None else values(trials)
    signs = [1.0 if each is StudyDirection.MAXIMIZE else -1.0 for each in study.directions]
    found = []
    for trial, own in zip(trials, present, strict=True):
        gains = tuple(
            -math.inf if math.isnan(value) else sign * value
            for sign, value in zip(signs, own, strict=True)
        )
        values_now = tuple(sign * gain for sign, gain in zip(signs, gains, strict=True))
        found.append(Scored(trial, values_now, gains))
    return found
