"""The rows of several evaluations side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from gradalign.aggregates import AGGREGATES
from gradalign.errors import InputError
from gradalign.evaluation import Evaluation, Row
from gradalign.proxies import PROXIES

GROUPS: Mapping[str, str] = {
    "gradalign": "GradAlign",
    "method": "Other methods",
    "other": "Other scores",
    "aggregate": "Rank aggregates",
    "size": "Size alone",
    "ablation": "Ablations",
    "training": "Short training",
}
"""Titles of the kinds of rows, in the order in which they stand."""

Interval = tuple[float, float]

_Z = 1.959963984540054
"""Half the width of a 95 % interval of a normal value, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class Mean:
    """Mean of a statistic over all columns.

    Args:
        value: The mean.
        ci: Its 95 % interval; None where a column has none. The metrics of one benchmark are
            taken to err together, since they are of the same networks, and benchmarks apart.
    """

    value: float
    ci: Interval | None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One score in every column.

    Args:
        name: Of the score.
        kind: A key of `GROUPS`.
        rows: Its row in each evaluation, in their order; None where it has none.
        tau: Mean of tau over all columns; None unless it has a value in each.
        partial_tau: The same of the partial tau.
    """

    name: str
    kind: str
    rows: tuple[Row | None, ...]
    tau: Mean | None
    partial_tau: Mean | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Scores on one or more metrics of one or more benchmarks.

    Args:
        evaluations: The columns.
        lines: By kind, in each kind by falling tau, those of fewer columns after the others.
    """

    evaluations: tuple[Evaluation, ...]
    lines: tuple[Line, ...]

    def to_dict(self) -> dict[str, object]:
        """The JSON document `tables`."""
        return {
            "rows": [
                {
                    "name": line.name,
                    "kind": line.kind,
                    **_mean_dict("mean_tau", line.tau),
                    **_mean_dict("mean_partial_tau", line.partial_tau),
                }
                for line in self.lines
            ],
            "evaluations": [found.to_dict() for found in self.evaluations],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a score and column: `benchmark`, `metric`, `kind`, and all its statistics."""
        kinds = {line.name: line.kind for line in self.lines}
        parts = []
        for found in self.evaluations:
            part = found.to_frame()
            kind = part["proxy"].map(kinds)
            part = part.assign(benchmark=found.benchmark, metric=found.metric, kind=kind)
            first = ["benchmark", "metric", "kind", "proxy"]
            parts.append(part[[*first, *(name for name in part.columns if name not in first)]])
        return pd.concat(parts, ignore_index=True)


def compare(evaluations: Sequence[Evaluation], *, combined: Iterable[str] = ()) -> Comparison:
    """Put evaluations side by side.

    Args:
        evaluations: One for each metric of each benchmark.
        combined: Names of rows that are aggregates of the user's own.

    Raises:
        InputError: No evaluation.
    """
    if not evaluations:
        raise InputError("there is nothing to compare: evaluate one metric or more")
    aggregates = {*AGGREGATES, *combined}
    rows = [{row.proxy: row for row in found.rows} for found in evaluations]
    names = dict.fromkeys(name for own in rows for name in own)
    lines = [
        _line(name, tuple(own.get(name) for own in rows), evaluations, aggregates) for name in names
    ]
    order = list(GROUPS)
    lines.sort(key=lambda line: (order.index(line.kind), *_place(line)))
    return Comparison(evaluations=tuple(evaluations), lines=tuple(lines))


def _line(
    name: str,
    rows: tuple[Row | None, ...],
    evaluations: Sequence[Evaluation],
    aggregates: set[str],
) -> Line:
    benchmarks = [found.benchmark for found in evaluations]
    kind = "other"
    if any(row is not None and row.cost is not None for row in rows):
        kind = "training"
    elif name in PROXIES:
        kind = PROXIES[name].kind
    elif name in aggregates:
        kind = "aggregate"
    taus = [(row.kendall_tau, row.kendall_tau_ci) if row else (None, None) for row in rows]
    partial = [(row.partial_tau, row.partial_tau_ci) if row else (None, None) for row in rows]
    return Line(
        name=name,
        kind=kind,
        rows=rows,
        tau=_mean(taus, benchmarks),
        partial_tau=_mean(partial, benchmarks),
    )


def _mean(
    cells: Sequence[tuple[float | None, Interval | None]], benchmarks: Sequence[str]
) -> Mean | None:
    """Mean over all columns; None unless each has a value."""
    values = [value for value, _ in cells if value is not None]
    if len(values) < len(cells):
        return None
    mean = math.fsum(values) / len(values)
    intervals = [ci for _, ci in cells if ci is not None]
    if len(intervals) < len(cells):
        return Mean(value=mean, ci=None)
    together = dict.fromkeys(benchmarks, 0.0)
    for benchmark, (low, high) in zip(benchmarks, intervals, strict=True):
        together[benchmark] += (high - low) / (2 * _Z)
    half = _Z * math.hypot(*together.values()) / len(values)
    return Mean(value=mean, ci=(mean - half, mean + half))


def _place(line: Line) -> tuple[int, float, str]:
    taus = [row.kendall_tau for row in line.rows if row is not None and row.kendall_tau is not None]
    mean = math.fsum(taus) / len(taus) if taus else 0.0
    return len(line.rows) - len(taus), -mean, line.name


def _mean_dict(key: str, mean: Mean | None) -> dict[str, object]:
    ci = None if mean is None or mean.ci is None else list(mean.ci)
    return {key: None if mean is None else mean.value, f"{key}_ci": ci}
