"""The networks that scores and a table of trained accuracies have in common, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gradalign.aggregates import Aggregate
from gradalign.errors import InputError
from gradalign.evaluation.columns import Column, proxy_columns
from gradalign.evaluation.records import Texts, read_records
from gradalign.evaluation.truth import (
    Table,
    Truth,
    Values,
    known_column,
    numbers,
    read_table,
    unknown_name,
)
from gradalign.proxies._base import Direction


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Scores that were tried on the same networks.

    Args:
        names: Their names.
        tried: [n], which networks of the pool.
    """

    names: tuple[str, ...]
    tried: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Networks in the order of their names, with their accuracy and every score.

    Args:
        benchmark: Name of the table of accuracies.
        metric: Its column.
        models: n architectures, as the table has them but without a prefix.
        accuracy: [n].
        columns: The scores by name.
        unmatched: Number of scored networks for which the table has no accuracy.
        runs: [trainings, n], accuracies of single trainings, where the table has them.
    """

    benchmark: str
    metric: str
    models: tuple[str, ...]
    accuracy: Values
    columns: Mapping[str, Column]
    unmatched: int
    runs: Values

    def column(self, name: str) -> Column:
        """The score `name`, or an `UnknownNameError` that offers the nearest."""
        if name not in self.columns:
            raise unknown_name("proxy in the scores", name, self.columns)
        return self.columns[name]

    def samples(
        self, names: Iterable[str] | None = None, within: NDArray[np.bool_] | None = None
    ) -> list[Sample]:
        """The scores `names` (all) by the networks of `within` ([n], all) they were tried on."""
        found: dict[bytes, list[str]] = {}
        for name in self.columns if names is None else names:
            tried = self.columns[name].recorded
            key = (tried if within is None else tried & within).tobytes()
            found.setdefault(key, []).append(name)
        return [
            Sample(names=tuple(own), tried=np.frombuffer(key, dtype=bool))
            for key, own in found.items()
        ]


def make_pool(
    scores: pd.DataFrame,
    truth: pd.DataFrame | Truth,
    metric: str,
    *,
    name: str | None = None,
    directions: Mapping[str, Direction] | None = None,
    early_stopped: Mapping[str, tuple[str, str]] | None = None,
    aggregates: Sequence[Aggregate] = (),
    runs: Sequence[str] = (),
) -> Pool:
    """Match scores with a table of accuracies by the text of the architecture.

    Args:
        scores: One row a record: `model`, `proxy`, `value`, and where known `status`, `seconds`,
            `pass_seconds`, `seed`, `protocol`. A record without a finite value, or with a status
            other than `ok`, has failed. The value of a network is the mean over its seeds, those
            that failed left out; it has failed if all of them have. A record costs `seconds`, its
            own share, and `pass_seconds`.
        truth: A benchmark, or a frame with the column `arch` and metric columns.
        metric: Column of accuracies to compare with; networks without one are left out.
        name: Name of the table, by default the benchmark's.
        directions: Which direction is better for a proxy; `higher` for those not named.
        early_stopped: Further columns of the table to take as scores: {name: (column, cost)}.
        aggregates: Further scores, combined from the ranks that their members give to the networks
            of the pool that all of them were tried on.
        runs: Columns of the table with the accuracies of single trainings; by default those that a
            benchmark names for the metric.

    Raises:
        InputError: If a column is missing, the metric is unknown, fewer than 3 networks are in
            both, records of one proxy were made under several protocols, or an aggregate lacks a
            member.
    """
    records = read_records(scores, truth)
    table = read_table(truth, metric, name, runs)
    rows = table.architectures.get_indexer(pd.Index(records.models))
    known = np.isfinite(np.append(table.accuracy, np.nan)[rows])  # row -1: not in the table
    _check_match(table, metric, records.models, int(known.sum()))
    rows = rows[known]
    places = np.where(known, known.cumsum() - 1, -1)
    columns = proxy_columns(records, places, directions or {}, aggregates)
    for row, (column, cost) in (early_stopped or {}).items():
        if row in columns:
            raise InputError(f"early-stopped training is named {row!r} like a proxy: rename it")
        values = numbers(known_column(table.frame, column))[rows]
        columns[row] = Column(values=values, recorded=np.ones(len(rows), dtype=bool), cost=cost)
    return Pool(
        benchmark=table.name,
        metric=metric,
        models=tuple(records.models[known]),
        accuracy=table.accuracy[rows],
        columns=columns,
        unmatched=len(known) - len(rows),
        runs=np.array([numbers(table.frame[run])[rows] for run in table.runs]),
    )


def _check_match(table: Table, metric: str, scored: Texts, matched: int) -> None:
    """Enough networks are in both."""
    if not np.isfinite(table.accuracy).any():
        raise InputError(f"{table.name!r} holds no value of {metric!r}: choose another metric")
    if matched == 0:
        raise InputError(
            f"no scored network has a {metric!r} in {table.name!r}: the scores hold {scored[0]!r}, "
            f"the table {table.architectures[0]!r}; spell both alike"
        )
    if matched < 3:
        raise InputError(
            f"only {matched} of {len(scored)} scored networks are in {table.name!r}: "
            "score 3 or more"
        )
