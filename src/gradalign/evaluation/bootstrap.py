"""Uncertainty over architectures by the bootstrap: rank correlations of all resamples at once.

A resample of n networks with replacement is n multiplicities w. Its tau-b is that of the multiset:
a pair (i, j) counts w_i w_j times, copies of one network tie with each other in both lists. So

    tau = sum over i, j of w_i w_j s_ij a_ij / sqrt(sum w_i w_j s_ij^2 * sum w_i w_j a_ij^2)

with s_ij = sign(score_i - score_j), a_ij the same for the accuracy. The inner sums of all resamples
are one product of the matrix s_ij a_ij with the n x resamples matrix of the w; the sums below the
root are n^2 less the squared sizes of the groups of ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gradalign.evaluation.pairs import Ranks, rhos, taus
from gradalign.evaluation.partial import partial_correlation

Values = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Bootstrap:
    """Rank correlations of resamples of n networks; NaN where there is no correlation.

    The resamples are the same for every score, so that differences of scores are paired.

    Args:
        n: Number of networks.
        resamples: Number of draws; 0: no intervals.
        seed: Seed of the draws.
    """

    name: ClassVar[Literal["bootstrap"]] = "bootstrap"
    n: int
    resamples: int = 1000
    seed: int = 0

    @cached_property
    def counts(self) -> NDArray[np.float32]:
        """[n, resamples]: how often each network was drawn; every column adds up to n."""
        generator = np.random.default_rng(self.seed)
        counts = np.empty((self.n, self.resamples), dtype=np.float32)
        for k in range(self.resamples):
            drawn = generator.integers(0, self.n, size=self.n)
            counts[:, k] = np.bincount(drawn, minlength=self.n)
        return counts

    def tau(self, scores: Ranks, targets: Ranks) -> tuple[Values, Values]:
        """Tau-b of every list with every target, and the same in every resample.

        Args:
            scores: [lists, n], dense ranks.
            targets: [targets, n], dense ranks.

        Returns:
            [lists, targets] and [lists, targets, resamples].
        """
        values = np.stack([taus(scores, target) for target in targets], axis=1)
        if not self.resamples:
            return values, np.empty((*values.shape, 0))
        numerator = np.empty((len(scores), len(targets), self.resamples))
        signs = [_signs(target) for target in targets]
        for k, score in enumerate(scores):
            own = _signs(score)
            for m, theirs in enumerate(signs):
                # whole numbers up to n, so exact
                row_sums = (own * theirs) @ self.counts
                numerator[k, m] = np.einsum("ir,ir->r", self.counts, row_sums, dtype=np.float64)
        return values, _ratio(numerator, self._untied(scores)[:, None] * self._untied(targets))

    def rho(self, scores: Ranks, target: Ranks) -> tuple[Values, Values]:
        """Spearman's rho of every list with one target, [lists], and [lists, resamples]."""
        values = rhos(scores, target)
        if not self.resamples:
            return values, np.empty((len(values), 0))
        y = self._centred_ranks(target)
        y_squares = np.einsum("ir,ir,ir->r", self.counts, y, y)
        result = np.empty((len(scores), self.resamples))
        for k, score in enumerate(scores):
            x = self._centred_ranks(score)
            x_squares = np.einsum("ir,ir,ir->r", self.counts, x, x)
            result[k] = _ratio(np.einsum("ir,ir,ir->r", self.counts, x, y), x_squares * y_squares)
        return values, result

    def partial(self, matrix: Values, parts: Values) -> Values:
        """[resamples]: partial tau of the first two lists given the others in every resample.

        Args:
            matrix: [k, k], tau-b of every pair of lists in the sample itself.
            parts: [k, k, resamples], the same in every resample; the diagonal is not read.
        """
        k = np.arange(len(matrix))
        matrices = np.moveaxis(parts, -1, 0).copy()
        matrices[:, k, k] = 1
        return partial_correlation(matrices)

    def stderr(self, resampled: Values) -> float:
        """Standard error: the standard deviation over the resamples in which there is a value."""
        defined = resampled[~np.isnan(resampled)]
        return float(defined.std(ddof=1)) if len(defined) > 1 else np.nan

    def interval(self, estimate: float, resampled: Values) -> Interval | None:
        """95 % percentile interval; None where no resample has a value.

        Args:
            estimate: The value in the sample itself, which percentiles do not need.
            resampled: One value a resample, NaN where there is none.
        """
        del estimate
        defined = resampled[~np.isnan(resampled)]
        if len(defined) == 0:
            return None
        low, high = np.quantile(defined, [0.025, 0.975])
        return float(low), float(high)

    difference_interval = interval

    def _group_sizes(self, ranks: NDArray[np.int64]) -> Values:
        """[groups, resamples]: how many networks of each rank were drawn."""
        order = ranks.argsort(kind="stable")
        starts = np.flatnonzero(np.diff(ranks[order], prepend=-1))
        sizes: Values = np.add.reduceat(self.counts[order], starts, axis=0, dtype=np.float64)
        return sizes

    def _untied(self, lists: Ranks) -> Values:
        """[lists, resamples]: ordered pairs of networks that differ."""
        result = np.empty((len(lists), self.resamples))
        for k, ranks in enumerate(lists):
            sizes = self._group_sizes(ranks)
            result[k] = self.n**2 - np.einsum("gr,gr->r", sizes, sizes)
        return result

    def _centred_ranks(self, ranks: NDArray[np.int64]) -> Values:
        """[n, resamples]: mean rank of each network's group, less the mean of all ranks."""
        sizes = self._group_sizes(ranks)
        centred: Values = (np.cumsum(sizes, axis=0) - sizes / 2 - self.n / 2)[ranks]
        return centred


def _signs(ranks: NDArray[np.int64]) -> NDArray[np.float32]:
    """[n, n]: sign of each difference of two ranks."""
    narrow = ranks.astype(np.float32)  # fewer than 2^24 of them
    return np.sign(np.subtract.outer(narrow, narrow))


def _ratio(numerator: Values, squared_denominator: Values) -> Values:
    """The quotient with the root of the second, NaN where that is 0."""
    result = np.full_like(numerator, np.nan)
    denominator = np.sqrt(squared_denominator)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)
