"""The rows of the table, from the scores of a pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gradalign.evaluation.columns import Column
from gradalign.evaluation.correlations import (
    Estimate,
    Taus,
    all_weighted_taus,
    partial_taus,
    spearman_rhos,
)
from gradalign.evaluation.method import Method
from gradalign.evaluation.pool import Pool, Sample
from gradalign.evaluation.rank_statistics import kendall_tau, top10_tau
from gradalign.evaluation.row import Row
from gradalign.evaluation.selection import DRAWS, picked_accuracy, regret, selected_accuracy
from gradalign.evaluation.top import ndcg10, precision5
from gradalign.evaluation.truth import Values


def make_rows(pool: Pool, covariates: Sequence[str], method: Method, taus: Taus) -> list[Row]:
    """One row a score, by falling tau; those without tau last."""
    partial = _partial_taus(pool, covariates, method)
    rows = [row for sample in pool.samples() for row in _rows(pool, sample, method, taus, partial)]
    return sorted(
        rows, key=lambda row: (row.kendall_tau is None, -(row.kendall_tau or 0), row.proxy)
    )


def _rows(
    pool: Pool, sample: Sample, method: Method, taus: Taus, partial: Mapping[str, Estimate]
) -> Iterator[Row]:
    """The rows of scores that were tried on the same networks."""
    accuracy = pool.accuracy[sample.tried]
    weighted = all_weighted_taus(pool, sample)
    rho = spearman_rhos(pool, sample, method)
    for name, tau in taus.of(sample).items():
        column = pool.columns[name]
        score = column.ranking[sample.tried]
        valued = int(np.isfinite(column.values).sum())
        yield Row(
            proxy=name,
            better=column.better,
            n=len(score),
            kendall_tau=tau.value,
            kendall_tau_ci=tau.interval,
            spearman_rho=rho[name].value,
            spearman_rho_ci=rho[name].interval,
            weighted_tau=weighted[name],
            top10_tau=top10_tau(score, accuracy),
            # where every network failed there is nothing to pick by
            ndcg10=ndcg10(score, accuracy) if valued else None,
            precision5=precision5(score, accuracy) if valued else None,
            partial_tau=partial[name].value,
            partial_tau_ci=partial[name].interval,
            selected_accuracy={
                draw: selected_accuracy(score, accuracy, draw) if valued else None for draw in DRAWS
            },
            picked=picked_accuracy(score, accuracy) if valued else None,
            regret=regret(score, accuracy) if valued else None,
            coverage=valued / len(pool.models),
            failed=len(score) - valued,
            seconds=column.seconds,
            seeds=max(1, len(column.by_seed)),
            tau_sd_over_seeds=_sd_over_seeds(column, pool.accuracy),
            cost=column.cost,
        )


def _partial_taus(pool: Pool, covariates: Sequence[str], method: Method) -> dict[str, Estimate]:
    """Partial tau of every score, over the networks that have a value in all covariates."""
    if not all(name in pool.columns for name in covariates):
        return dict.fromkeys(pool.columns, Estimate(None, None))
    complete = np.ones(len(pool.models), dtype=bool)
    for name in covariates:
        complete &= ~np.isnan(pool.columns[name].values)
    found: dict[str, Estimate] = {}
    for sample in pool.samples(within=complete):
        found |= partial_taus(pool, sample, covariates, method)
    return found


def _sd_over_seeds(column: Column, accuracy: Values) -> float | None:
    """Standard deviation of the tau of single seeds; None unless two or more have one."""
    if len(column.by_seed) < 2:
        return None
    taus = [kendall_tau(ranking, accuracy) for ranking in column.by_seed.values()]
    found = [tau for tau in taus if tau is not None]
    return float(np.std(found, ddof=1)) if len(found) > 1 else None
