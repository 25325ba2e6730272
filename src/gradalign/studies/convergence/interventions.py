"""What changes when conflict is raised or lowered in one and the same architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gradalign.studies._estimates import Estimate, mean
from gradalign.studies.convergence.measures import CONFLICT, Measure
from gradalign.studies.convergence.networks import CHANGES, Change
from gradalign.studies.convergence.runs import mean_loss, measure_at

Agreement = Literal["agrees", "contradicts", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one change did.

    Args:
        change: Its name.
        level: The state.
        baseline: The state that it is compared with.
        conflict: Difference of each measure, in the direction in which conflict rises.
        loss: Of the mean loss over the training, in nats: positive where it became slower.
        accuracy: Of the test accuracy, in percentage points.
        diverged: Trainings in this state that diverged.
        agreement: By measure, what speed and conflict together say about "conflict slows".
    """

    change: str
    level: str
    baseline: str
    conflict: Mapping[str, Estimate]
    loss: Estimate
    accuracy: Estimate
    diverged: int
    agreement: Mapping[str, Agreement]


def effects(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """Every state of every change against the state before it, as in the document.

    Args:
        runs: Results with the `change`, `level`, `network` (place in the change) and `seed` of
            their task.
    """
    found = []
    for change in CHANGES:
        own = [run for run in runs if run["change"] == change.name]
        found += [
            asdict(_effect(change, level, own))
            for level in change.levels
            if level != change.baseline and own
        ]
    return found


def _effect(change: Change, level: str, runs: Sequence[Mapping[str, Any]]) -> Effect:
    before = {_pair(run): run for run in runs if run["level"] == change.baseline}
    after = {_pair(run): run for run in runs if run["level"] == level}
    pairs = [(before[key], after[key]) for key in after if key in before]
    conflict = {name: _conflict(pairs, measure) for name, measure in CONFLICT.items()}
    loss = mean([mean_loss(b) - mean_loss(a) for a, b in pairs])
    return Effect(
        change=change.name,
        level=level,
        baseline=change.baseline,
        conflict=conflict,
        loss=loss,
        accuracy=mean([b["accuracy"] - a["accuracy"] for a, b in pairs]),
        diverged=sum(bool(run["diverged"]) for run in after.values()),
        agreement={name: _agreement(own.sign * loss.sign) for name, own in conflict.items()},
    )


def _conflict(
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], measure: Measure
) -> Estimate:
    both = [(measure_at(a, 0, measure.name), measure_at(b, 0, measure.name)) for a, b in pairs]
    return mean([measure.sign * (b - a) for a, b in both if a is not None and b is not None])


def _agreement(product: int) -> Agreement:
    if product == 0:
        return "undecided"
    return "agrees" if product > 0 else "contradicts"


def _pair(run: Mapping[str, Any]) -> tuple[int, int]:
    return int(run["network"]), int(run["seed"])
