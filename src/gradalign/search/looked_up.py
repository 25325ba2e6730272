"""Finalists whose trained accuracy a benchmark holds: looked up instead of trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gradalign.benchmarks import BENCHMARKS, Benchmark, Metric
from gradalign.candidate import Candidate
from gradalign.errors import InputError

TABLE = "table"
"""In place of a recipe; `table:METRIC` names the metric."""


@dataclass(frozen=True, kw_only=True)
class LookedUp:
    """One of them.

    Args:
        candidate: The network.
        rank: By score; 1 is the best.
        accuracy: In percent; None: the benchmark does not hold it.
    """

    candidate: Candidate
    rank: int
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class TableFinalists:
    """Finalists by their published accuracies.

    Args:
        entries: Best score first.
        benchmark: Name of the table.
        metric: What it holds.
    """

    entries: tuple[LookedUp, ...]
    benchmark: str
    metric: Metric

    @property
    def winner(self) -> LookedUp | None:
        """The most accurate; of equal ones, by score. None where the table holds none."""
        known = [own for own in self.entries if own.accuracy is not None]
        return max(known, key=lambda own: (own.accuracy or 0.0, -own.rank), default=None)

    @property
    def epochs(self) -> int | None:
        """What their trainings have cost, in published epochs; None: the table does not say."""
        known = sum(own.accuracy is not None for own in self.entries)
        return None if self.metric.epochs is None else known * self.metric.epochs

    def to_dict(self) -> dict[str, object]:
        """The part `finalists` of the JSON document `search`."""
        return {
            "benchmark": self.benchmark,
            "metric": self.metric.name,
            "epochs": self.epochs,
            "winner": None if self.winner is None else self.winner.candidate.name,
            "networks": [
                {"model": own.candidate.name, "rank": own.rank, "accuracy": own.accuracy}
                for own in self.entries
            ],
        }


def look_up_finalists(candidates: Sequence[Candidate], spec: str) -> TableFinalists:
    """The published accuracies of networks of a space.

    Args:
        candidates: The networks, best score first.
        spec: `table`, or `table:METRIC`.

    Raises:
        InputError: They are of no search space, no table at hand is of that space, or it has no
            such metric.
    """
    space = candidates[0].space
    if space is None:
        raise InputError("--train table needs a search space with a benchmark: give a recipe")
    table = _table(space)
    metric = table.metric(spec.partition(":")[2] or None)
    archs = [str(own.arch) for own in candidates]
    values = [float(value) for value in table.values(archs, metric.name)]
    return TableFinalists(
        entries=tuple(
            LookedUp(candidate=own, rank=rank, accuracy=value if math.isfinite(value) else None)
            for rank, (own, value) in enumerate(zip(candidates, values, strict=True), start=1)
        ),
        benchmark=table.name,
        metric=metric,
    )


def _table(space: str) -> Benchmark:
    tables = [table for table in BENCHMARKS.values() if table.space == space and table.at_hand]
    for table in tables:
        if table.metric().better == "higher":
            return table
    raise InputError(
        f"no table of trained accuracies of {space!r} is at hand: see gradalign list benchmarks, "
        "or give a recipe"
    )
