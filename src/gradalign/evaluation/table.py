"""The table of rank statistics: how well each score orders networks by trained accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gradalign.evaluation.pool import Pool, make_pool
from gradalign.evaluation.rank_statistics import kendall_tau, partial_tau, spearman_rho, top10_tau
from gradalign.evaluation.resampling import Resamples, interval
from gradalign.evaluation.selection import Selected, picked_accuracy, regret, selected_accuracy
from gradalign.evaluation.truth import Truth
from gradalign.proxies._base import Direction

COVARIATES = ("params", "macs", "layers")
"""What `partial_tau` holds constant."""

DRAWS = (100, 1000)
"""Sizes of the draws behind `selected_accuracy`."""

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one score is worth. Higher is better throughout; None where there is no such number.

    Args:
        proxy: Name of the score.
        better: Its direction. A `lower` one is multiplied by -1 first, so that a positive tau
            always means that the score points where it promises to.
        n: Networks scored, with or without success; all statistics are over these.
        kendall_tau: Tau-b with the accuracy, failed networks last and tied (they are not picked).
        kendall_tau_ci: Its 95 % percentile bootstrap interval over architectures.
        spearman_rho: Spearman's rank correlation.
        spearman_rho_ci: Its interval.
        top10_tau: Tau-b among the best tenth by accuracy.
        partial_tau: Tau-b with the covariates partialled out; None if one of them is not there.
        selected_accuracy: For each size of draw, mean and standard deviation of the accuracy of the
            best by score, over all draws; None unless there are more networks than that.
        picked: Accuracy of the best by score of all.
        regret: How much that falls short of the best accuracy.
        coverage: Share of the networks of the table that have a value.
        failed: Networks scored without success.
        seconds: Mean seconds a network.
        cost: What a value costs, in words, for early-stopped training.
    """

    proxy: str
    better: Direction
    n: int
    kendall_tau: float | None
    kendall_tau_ci: Interval | None
    spearman_rho: float | None
    spearman_rho_ci: Interval | None
    top10_tau: float | None
    partial_tau: float | None
    selected_accuracy: Mapping[int, Selected | None]
    picked: float | None
    regret: float | None
    coverage: float
    failed: int
    seconds: float | None
    cost: str | None

    def to_dict(self) -> dict[str, object]:
        """The row as it stands in a JSON document."""
        return {
            **vars(self),
            "kendall_tau_ci": _as_list(self.kendall_tau_ci),
            "spearman_rho_ci": _as_list(self.spearman_rho_ci),
            "selected_accuracy": {
                str(draw): _as_list(selected) for draw, selected in self.selected_accuracy.items()
            },
        }


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Rank statistics of every score against one metric of one benchmark.

    Args:
        benchmark: Name of the table of accuracies.
        metric: Its column.
        n: Number of networks that were scored and have an accuracy.
        rows: One a score, by falling tau; those without tau last.
        unmatched: Number of scored networks for which the table has no accuracy.
    """

    benchmark: str
    metric: str
    n: int
    rows: tuple[Row, ...]
    unmatched: int

    def to_dict(self) -> dict[str, object]:
        """The JSON document `evaluate`."""
        return {
            "benchmark": self.benchmark,
            "metric": self.metric,
            "n": self.n,
            "rows": [row.to_dict() for row in self.rows],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a score, intervals and pairs spread over columns (`kendall_tau_low`, ...)."""
        return pd.DataFrame([_flat(row) for row in self.rows])


def evaluate(
    scores: pd.DataFrame,
    truth: pd.DataFrame | Truth,
    metric: str,
    *,
    name: str | None = None,
    directions: Mapping[str, Direction] | None = None,
    early_stopped: Mapping[str, tuple[str, str]] | None = None,
    covariates: Sequence[str] = COVARIATES,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Rank statistics of scores against trained accuracies.

    Args:
        scores: One row a record; `gradalign.evaluation.pool.make_pool` says which columns are read,
            what counts as failed and how seeds are averaged.
        truth: A benchmark, or a frame with the column `arch` and metric columns.
        metric: Column of accuracies to compare with.
        name: Name of the table, by default the benchmark's.
        directions: Which direction is better for a proxy; `higher` for those not named.
        early_stopped: Columns of the table that get a row of their own: {name: (column, cost)}.
        covariates: Proxies in the scores that `partial_tau` holds constant. Networks without a
            value in one of them are left out of it.
        resamples: Number of bootstrap resamples; 0 for no intervals.
        seed: Seed of the resamples.

    Raises:
        InputError: As `make_pool` says.
    """
    pool = make_pool(
        scores, truth, metric, name=name, directions=directions, early_stopped=early_stopped
    )
    sizes = {int(column.recorded.sum()) for column in pool.columns.values()}
    draws = {n: Resamples(n, resamples, seed) for n in sizes}
    rows = [_row(pool, proxy, covariates, draws) for proxy in pool.columns]
    rows.sort(key=lambda row: (row.kendall_tau is None, -(row.kendall_tau or 0), row.proxy))
    return Evaluation(
        benchmark=pool.benchmark,
        metric=metric,
        n=len(pool.models),
        rows=tuple(rows),
        unmatched=pool.unmatched,
    )


def _row(pool: Pool, proxy: str, covariates: Sequence[str], draws: Mapping[int, Resamples]) -> Row:
    """The row of one score."""
    column = pool.columns[proxy]
    score, accuracy = column.ranking[column.recorded], pool.accuracy[column.recorded]
    valued = int(np.isfinite(column.values).sum())
    tau, rho = kendall_tau(score, accuracy), spearman_rho(score, accuracy)
    drawn = draws[len(score)]
    return Row(
        proxy=proxy,
        better=column.better,
        n=len(score),
        kendall_tau=tau,
        kendall_tau_ci=None if tau is None else interval(drawn.kendall_tau(score, accuracy)),
        spearman_rho=rho,
        spearman_rho_ci=None if rho is None else interval(drawn.spearman_rho(score, accuracy)),
        top10_tau=top10_tau(score, accuracy),
        partial_tau=_partial_tau(pool, proxy, covariates),
        # where every network failed there is nothing to pick by
        selected_accuracy={
            draw: selected_accuracy(score, accuracy, draw) if valued else None for draw in DRAWS
        },
        picked=picked_accuracy(score, accuracy) if valued else None,
        regret=regret(score, accuracy) if valued else None,
        coverage=valued / len(pool.models),
        failed=len(score) - valued,
        seconds=column.seconds,
        cost=column.cost,
    )


def _partial_tau(pool: Pool, proxy: str, covariates: Sequence[str]) -> float | None:
    """Partial tau of one score; None unless all covariates are in the scores."""
    if not all(name in pool.columns for name in covariates):
        return None
    values = [pool.columns[name].values for name in covariates]
    return partial_tau(pool.columns[proxy].ranking, pool.accuracy, values)


def _as_list(pair: tuple[float, float] | None) -> list[float] | None:
    """A pair as JSON has it."""
    return None if pair is None else list(pair)


def _flat(row: Row) -> dict[str, object]:
    """The row with one plain value a column, NaN where there is none."""
    values: dict[str, object] = {}
    for key, value in vars(row).items():
        if key in {"kendall_tau_ci", "spearman_rho_ci"}:
            low, high = value or (np.nan, np.nan)
            values |= {key.replace("_ci", "_low"): low, key.replace("_ci", "_high"): high}
        elif key == "selected_accuracy":
            for draw, selected in row.selected_accuracy.items():
                mean, sd = selected or (np.nan, np.nan)
                values |= {f"selected_{draw}_mean": mean, f"selected_{draw}_sd": sd}
        else:
            values[key] = value
    return values
