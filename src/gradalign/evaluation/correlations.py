"""Rank correlations of the scores of a pool, with their uncertainty over architectures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gradalign.evaluation.method import Method
from gradalign.evaluation.pairs import Ranks, dense_ranks, weighted_taus
from gradalign.evaluation.partial import kept_lists
from gradalign.evaluation.pool import Pool, Sample
from gradalign.evaluation.rank_statistics import or_none, partial_of
from gradalign.evaluation.truth import Values

Interval = tuple[float, float]

_CELLS = 2**18  # scores in one go: 2 MiB a temporary array, near the cache


class Estimate(NamedTuple):
    """A correlation and what is known of it.

    Args:
        value: None where it is not defined.
        interval: Its 95 % interval; None where there is none.
    """

    value: float | None
    interval: Interval | None


class Tau(NamedTuple):
    """A tau-b and how it varies.

    Args:
        value: None where it is not defined.
        interval: Its 95 % interval; None where there is none.
        replicates: Its values in the resamples, or the influence of each network on it.
    """

    value: float | None
    interval: Interval | None
    replicates: Values


class Taus:
    """Tau-b of the scores of a pool; what is of a whole row is kept for comparisons.

    Args:
        pool: The networks.
        method: How the uncertainty is found.
    """

    def __init__(self, pool: Pool, method: Method) -> None:
        self._pool, self._method = pool, method
        self._kept: dict[tuple[str, bytes], Tau] = {}

    def of(self, sample: Sample) -> dict[str, Tau]:
        """Tau-b of the scores of `sample` over its networks, replicates of common resamples."""
        key = sample.tried.tobytes()
        missing = tuple(name for name in sample.names if (name, key) not in self._kept)
        new = self._compute(Sample(names=missing, tried=sample.tried))
        for name, tau in new.items():
            if (self._pool.columns[name].recorded == sample.tried).all():
                self._kept[name, key] = tau
        return {name: new.get(name) or self._kept[name, key] for name in sample.names}

    def _compute(self, sample: Sample) -> dict[str, Tau]:
        over = self._method.over(int(sample.tried.sum()))
        target = dense_ranks([self._pool.accuracy[sample.tried]])
        found: dict[str, Tau] = {}
        for names, ranks in _chunks(self._pool, sample):
            values, replicates = over.tau(ranks, target)
            for name, value, own in zip(names, values[:, 0], replicates[:, 0], strict=True):
                found[name] = Tau(or_none(value), over.interval(value, own), own)
        return found


def spearman_rhos(pool: Pool, sample: Sample, method: Method) -> dict[str, Estimate]:
    """Spearman's rho of the scores of `sample` over its networks."""
    over = method.over(int(sample.tried.sum()))
    (target,) = dense_ranks([pool.accuracy[sample.tried]])
    found: dict[str, Estimate] = {}
    for names, ranks in _chunks(pool, sample):
        for name, value, own in zip(names, *over.rho(ranks, target), strict=True):
            found[name] = Estimate(or_none(value), over.interval(value, own))
    return found


def all_weighted_taus(pool: Pool, sample: Sample) -> dict[str, float | None]:
    """Weighted tau of the scores of `sample` over its networks."""
    (target,) = dense_ranks([pool.accuracy[sample.tried]])
    return {
        name: or_none(value)
        for names, ranks in _chunks(pool, sample)
        for name, value in zip(names, weighted_taus(ranks, target), strict=True)
    }


def partial_taus(
    pool: Pool, sample: Sample, covariates: Sequence[str], method: Method
) -> dict[str, Estimate]:
    """Partial tau of the scores of `sample` given covariates that have a value on its networks."""
    columns = [pool.accuracy, *(pool.columns[name].values for name in covariates)]
    targets = dense_ranks([values[sample.tried] for values in columns])
    over = method.over(targets.shape[1])
    common, common_replicates = over.tau(targets, targets)
    matrix = np.eye(len(targets) + 1)  # score, accuracy, covariates
    matrix[1:, 1:] = common
    parts = np.zeros((*matrix.shape, common_replicates.shape[-1]))
    parts[1:, 1:] = common_replicates
    found: dict[str, Estimate] = {}
    for names, ranks in _chunks(pool, sample):
        for name, values, replicates in zip(names, *over.tau(ranks, targets), strict=True):
            matrix[0, 1:] = matrix[1:, 0] = values
            value = partial_of(matrix)
            interval = None
            if value is not None:
                parts[0, 1:] = parts[1:, 0] = replicates
                kept = np.ix_(kept_lists(matrix), kept_lists(matrix))
                interval = over.interval(value, over.partial(matrix[kept], parts[kept]))
            found[name] = Estimate(value, interval)
    return found


def _chunks(pool: Pool, sample: Sample) -> Iterator[tuple[tuple[str, ...], Ranks]]:
    """Names of the scores of a sample and the ranks of its networks, failed ones last."""
    step = max(1, _CELLS // max(1, int(sample.tried.sum())))
    for start in range(0, len(sample.names), step):
        names = sample.names[start : start + step]
        yield names, dense_ranks([pool.columns[name].ranking[sample.tried] for name in names])
