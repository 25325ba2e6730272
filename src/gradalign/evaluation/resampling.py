"""Bootstrap over architectures: rank statistics of all resamples at once.

A resample of n networks with replacement is n multiplicities w. Its tau-b is that of the multiset:
a pair (i, j) counts w_i w_j times, copies of one network tie with each other in both lists. So

    tau = sum over i, j of w_i w_j s_ij a_ij / sqrt(sum w_i w_j s_ij^2 * sum w_i w_j a_ij^2)

with s_ij = sign(score_i - score_j), a_ij the same for the accuracy, both 0 on the diagonal. Pairs
are counted by merging sorted halves (Knight's method), the resamples side by side: O(n log n) for
each, where the n x n sign matrices would cost n^2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

_CELLS = 2**19  # networks times resamples in one go: 4 MiB a temporary array, near the cache


def interval(values: Values, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of the values of resamples; None where none of them is defined.

    Args:
        values: One value a resample; NaN where it is not defined there, which is left out.
        level: Nominal coverage.
    """
    defined = values[~np.isnan(values)]
    if len(defined) == 0:
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


@dataclass(frozen=True)
class Resamples:
    """The same draws of networks for every score, so that differences of scores are paired.

    Args:
        n: Number of networks.
        resamples: Number of draws.
        seed: Seed of the draws.
    """

    n: int
    resamples: int = 1000
    seed: int = 0

    @cached_property
    def counts(self) -> NDArray[np.int32]:
        """[n, resamples]: how often each network was drawn; every column adds up to n."""
        generator = np.random.default_rng(self.seed)
        counts = np.empty((self.n, self.resamples), dtype=np.int32)
        for k in range(self.resamples):
            drawn = generator.integers(0, self.n, size=self.n)
            counts[:, k] = np.bincount(drawn, minlength=self.n)
        return counts

    def kendall_tau(self, score: ArrayLike, accuracy: ArrayLike) -> Values:
        """[resamples]: tau-b of every resample, NaN where it is not defined.

        Args:
            score: n values, none of them NaN.
            accuracy: n values, none of them NaN.
        """
        x, y = np.asarray(score, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
        by_both = _groups(x, y)
        by_x, by_y = _groups(x), _groups(y)
        merges = list(_merges(y[by_both.order]))
        parts = []
        for counts in self._chunks():
            total = counts.sum(axis=0) ** 2
            ties_x, ties_y = _tied_pairs(counts, by_x), _tied_pairs(counts, by_y)
            untied = total - ties_x - ties_y + _tied_pairs(counts, by_both)
            numerator = untied - 4 * _discordant_pairs(counts[by_both.order], merges)
            parts.append(_ratio(numerator, (total - ties_x) * (total - ties_y)))
        return np.concatenate(parts) if parts else np.empty(0)

    def spearman_rho(self, score: ArrayLike, accuracy: ArrayLike) -> Values:
        """[resamples]: Spearman's rho of every resample; arguments as for `kendall_tau`."""
        by_x = _groups(np.asarray(score, dtype=np.float64))
        by_y = _groups(np.asarray(accuracy, dtype=np.float64))
        parts = []
        for counts in self._chunks():
            x, y = _centred_ranks(counts, by_x), _centred_ranks(counts, by_y)
            product = np.einsum("ir,ir,ir->r", counts, x, y)
            squares_x = np.einsum("ir,ir,ir->r", counts, x, x)
            squares_y = np.einsum("ir,ir,ir->r", counts, y, y)
            parts.append(_ratio(product, squares_x * squares_y))
        return np.concatenate(parts) if parts else np.empty(0)

    def _chunks(self) -> Iterator[Values]:
        """`counts` as float64, some resamples at a time."""
        step = max(1, _CELLS // self.n)
        for start in range(0, self.resamples, step):
            yield self.counts[:, start : start + step].astype(np.float64, order="C")


class _Groups(NamedTuple):
    """Networks in ascending order, and where in it each group of equal ones starts."""

    order: Indices
    starts: Indices


def _groups(*keys: Values) -> _Groups:
    """Groups of networks that are equal in all keys, the first key leading."""
    order = np.lexsort(keys[::-1])
    changes = np.zeros(len(order), dtype=bool)
    changes[0] = True
    for key in keys:
        changes[1:] |= key[order][1:] != key[order][:-1]
    return _Groups(order, np.flatnonzero(changes))


def _tied_pairs(counts: Values, groups: _Groups) -> Values:
    """[resamples]: ordered pairs within a group, each network with itself included."""
    sums = np.add.reduceat(counts[groups.order], groups.starts, axis=0)
    pairs: Values = np.einsum("gr,gr->r", sums, sums)
    return pairs


def _centred_ranks(counts: Values, groups: _Groups) -> Values:
    """[n, resamples]: mean rank of each network's group in the resample, less the mean of all."""
    sums = np.add.reduceat(counts[groups.order], groups.starts, axis=0)
    ranks = np.cumsum(sums, axis=0) - sums / 2 - len(counts) / 2
    sizes = np.diff(groups.starts, append=len(counts))
    result = np.empty_like(counts)
    result[groups.order] = np.repeat(ranks, sizes, axis=0)
    return result


class _Merge(NamedTuple):
    """One level of a merge sort: where each left element goes among the right ones.

    Args:
        left: Positions of the elements in the left halves.
        right: Positions of the elements in the right halves, in merged order.
        first: For each left element, the number of right elements before its own block.
        last: The same up to the right elements of its block that are smaller than it.
    """

    left: Indices
    right: Indices
    first: Indices
    last: Indices


def _merges(values: Values) -> Iterator[_Merge]:
    """The levels of a merge sort of `values`, from pairs up to the whole."""
    positions = np.arange(len(values))
    width = 1
    while width < len(values):
        block, is_right = positions // (2 * width), positions // width % 2
        merged = np.lexsort(
            (is_right, values, block)
        )  # left first among equals: only smaller count
        of_right = is_right[merged] == 1
        left = merged[~of_right]
        in_block = np.bincount(block, weights=is_right).astype(np.intp)
        first = (np.cumsum(in_block) - in_block)[block[left]]
        yield _Merge(left, merged[of_right], first, np.cumsum(of_right)[~of_right])
        width *= 2


def _discordant_pairs(counts: Values, merges: list[_Merge]) -> Values:
    """[resamples]: pairs whose earlier element is the greater, each counted once."""
    total = np.zeros(counts.shape[1])
    for merge in merges:
        smaller = np.zeros((len(merge.right) + 1, counts.shape[1]))
        np.cumsum(counts[merge.right], axis=0, out=smaller[1:])
        inside = smaller[merge.last] - smaller[merge.first]
        total += np.einsum("ir,ir->r", counts[merge.left], inside)
    return total


def _ratio(numerator: Values, squared_denominator: Values) -> Values:
    """The quotient with the root of the second, NaN where that is 0."""
    result = np.full_like(numerator, np.nan)
    denominator = np.sqrt(squared_denominator)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)
