"""What a search has found so far, read off the trials of its study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradalign.search.objective import Objective, Values, front

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass(frozen=True, kw_only=True)
class Found:
    """A network that was scored.

    Args:
        trial: Number of the trial that proposed it first.
        model: Its name.
        arch: Its architecture.
        measured: Its scores and costs by name; None where it has failed.
        values: The objectives, among all that were scored.
        reason: Why it has failed; None: it has not.
    """

    trial: int
    model: str
    arch: str
    measured: Values
    values: tuple[float | None, ...]
    reason: str | None = None

    @property
    def failed(self) -> bool:
        """Whether some objective has no value."""
        return None in self.values


class Archive:
    """The networks that were scored, each once, with their values in the pool of all of them.

    The value of a rank aggregate is that in the whole pool, the failed networks included, whenever
    a network joined: it is what `evaluate` gives for the same records.

    Args:
        trials: Finished trials of the study.
        objectives: What is wanted.
    """

    def __init__(self, trials: Sequence[FrozenTrial], objectives: Sequence[Objective]) -> None:
        self.objectives = tuple(objectives)
        scored = [trial for trial in trials if "measured" in trial.user_attrs]
        measured = [trial.user_attrs["measured"] for trial in scored]
        columns = [objective.values(measured) for objective in objectives]
        self.found = [
            Found(
                trial=trial.number,
                model=trial.user_attrs["model"],
                arch=trial.user_attrs["arch"],
                measured=own,
                values=values,
                reason=trial.user_attrs.get("reason"),
            )
            for trial, own, values in zip(
                scored, measured, zip(*columns, strict=True) if scored else [], strict=True
            )
        ]

    def __len__(self) -> int:
        return len(self.found)

    @property
    def ranked(self) -> list[Found]:
        """Those that have not failed, best first by the first objective, then in their order."""
        sign = 1.0 if self.objectives[0].better == "higher" else -1.0
        alive = [own for own in self.found if not own.failed]
        return sorted(alive, key=lambda own: -sign * _number(own.values[0]))

    @property
    def front(self) -> list[Found]:
        """Those that no other one beats in all objectives, best first by the first."""
        ranked = self.ranked
        if not ranked:
            return []
        values = np.array([own.values for own in ranked], dtype=np.float64)
        kept = front(values, [objective.better for objective in self.objectives])
        return [own for own, keeps in zip(ranked, kept, strict=True) if keeps]


def current_values(trials: Sequence[FrozenTrial], archive: Archive) -> list[tuple[float, ...]]:
    """The objectives of trials that have values, as they are now; twins share their network's.

    Args:
        trials: The trials.
        archive: All that was scored.
    """
    values = {own.trial: own.values for own in archive.found}
    numbers = [trial.user_attrs.get("same_as", trial.number) for trial in trials]
    return [tuple(map(_number, values[number])) for number in numbers]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
