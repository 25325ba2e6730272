"""The table of rank statistics: how well each score orders networks by trained accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from gradalign.aggregates import Aggregate
from gradalign.evaluation.ceiling import NoiseCeiling, noise_ceiling
from gradalign.evaluation.correlations import Taus
from gradalign.evaluation.difference import PairedDifference, all_differences, resampled_blocks
from gradalign.evaluation.method import IntervalMethod, choose_method
from gradalign.evaluation.pool import make_pool
from gradalign.evaluation.row import Row, draws_to_dict
from gradalign.evaluation.rows import make_rows
from gradalign.evaluation.selection import DRAWS, Selected, random_accuracy, selected_accuracy
from gradalign.evaluation.truth import Truth, Values, unknown_name
from gradalign.proxies._base import Direction

COVARIATES = ("params", "macs", "layers")
"""What `partial_tau` holds constant."""

Baselines = Mapping[str, Mapping[int, Selected | None]]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Rank statistics of every score against one metric of one benchmark.

    Args:
        benchmark: Name of the table of accuracies.
        metric: Its column.
        n: Number of networks that were scored and have an accuracy.
        rows: One a score, by falling tau; those without tau last.
        unmatched: Number of scored networks for which the table has no accuracy.
        interval_method: How all intervals were found: `bootstrap` or, where that would take long,
            infinitesimal `jackknife`; None: there are none.
        baselines: `random` and `oracle`, for each size of draw what `selected_accuracy` of a row
            is to be compared with: one network drawn blindly, and the most accurate of the draw.
        noise_ceiling: What a perfect score could reach; None without single trainings.
        differences: Tau of each row less that of every later one.
    """

    benchmark: str
    metric: str
    n: int
    rows: tuple[Row, ...]
    unmatched: int
    interval_method: IntervalMethod | None
    baselines: Baselines
    noise_ceiling: NoiseCeiling | None
    differences: tuple[PairedDifference, ...]

    def row(self, name: str) -> Row:
        """The row of the score `name`, or an `UnknownNameError` that offers the nearest."""
        rows = {row.proxy: row for row in self.rows}
        if name not in rows:
            raise unknown_name("score in the table", name, rows)
        return rows[name]

    def to_dict(self) -> dict[str, object]:
        """The JSON document `evaluate`."""
        ceiling = self.noise_ceiling
        return {
            "benchmark": self.benchmark,
            "metric": self.metric,
            "n": self.n,
            "unmatched": self.unmatched,
            "interval_method": self.interval_method,
            "noise_ceiling": None if ceiling is None else ceiling.to_dict(),
            "baselines": {name: draws_to_dict(own) for name, own in self.baselines.items()},
            "rows": [row.to_dict() for row in self.rows],
            "differences": [difference.to_dict() for difference in self.differences],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a score, intervals and pairs spread over columns (`kendall_tau_low`, ...)."""
        return pd.DataFrame([row.flat() for row in self.rows])


def evaluate(
    scores: pd.DataFrame,
    truth: pd.DataFrame | Truth,
    metric: str,
    *,
    name: str | None = None,
    directions: Mapping[str, Direction] | None = None,
    early_stopped: Mapping[str, tuple[str, str]] | None = None,
    covariates: Sequence[str] = COVARIATES,
    aggregates: Sequence[Aggregate] = (),
    runs: Sequence[str] = (),
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
        aggregates: Combinations of proxies that get a row of their own. All their members have to
            be in the scores.
        runs: Columns of the table with single trainings, for the noise ceiling; by default those
            that a benchmark names for the metric.
        resamples: Number of bootstrap resamples; 0 for no intervals and no p.
        seed: Seed of the resamples.

    Raises:
        InputError: As `make_pool` says.
    """
    pool = make_pool(
        scores,
        truth,
        metric,
        name=name,
        directions=directions,
        early_stopped=early_stopped,
        aggregates=aggregates,
        runs=runs,
    )
    method = choose_method(resampled_blocks(pool.samples()), resamples, seed)
    taus = Taus(pool, method)
    rows = make_rows(pool, covariates, method, taus)
    return Evaluation(
        benchmark=pool.benchmark,
        metric=metric,
        n=len(pool.models),
        rows=tuple(rows),
        unmatched=pool.unmatched,
        interval_method=method.name,
        baselines=_baselines(pool.accuracy),
        noise_ceiling=noise_ceiling(pool.runs),
        differences=all_differences(pool, [row.proxy for row in rows], method, taus),
    )


def _baselines(accuracy: Values) -> Baselines:
    """Selection without a score, and with the accuracy itself as the score."""
    return {
        "random": {draw: random_accuracy(accuracy, draw) for draw in DRAWS},
        "oracle": {draw: selected_accuracy(accuracy, accuracy, draw) for draw in DRAWS},
    }
