"""Pairs of networks that two lists order alike or not, counted for each network.

The counting is O(n log n), for many lists side by side: the ranks are split at half, a quarter and
so on, from the top down, and at each split every network of the upper half counts those of the
lower half that stand before it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]
Ranks = NDArray[np.int64]
Counts = NDArray[np.int64]


def dense_ranks(values: ArrayLike) -> Ranks:
    """[lists, n]: 0 for the lowest value of a list, equal ones alike, with no gap between ranks.

    Args:
        values: [lists, n], none of them NaN; -inf is a value like any other.
    """
    lists = np.asarray(values, dtype=np.float64)
    order = lists.argsort(axis=1)
    ascending = np.take_along_axis(lists, order, axis=1)
    steps = np.zeros(lists.shape, dtype=np.int64)
    steps[:, 1:] = ascending[:, 1:] != ascending[:, :-1]
    ranks = np.empty_like(steps)
    np.put_along_axis(ranks, order, steps.cumsum(axis=1), axis=1)
    return ranks


def group_ends(ranks: Ranks) -> tuple[Counts, Counts]:
    """[lists, n] twice: the number of lower values, and of lower or equal ones, of each network."""
    lists, n = ranks.shape
    flat = ranks + np.arange(lists)[:, None] * n
    sizes = np.bincount(flat.ravel(), minlength=lists * n).reshape(lists, n)
    ends = np.take_along_axis(sizes.cumsum(axis=1), ranks, axis=1)
    return ends - np.take_along_axis(sizes, ranks, axis=1), ends


def sign_sums(ranks: Ranks) -> Counts:
    """[lists, n]: lower values less greater ones, for each network."""
    starts, ends = group_ends(ranks)
    sums: Counts = starts + ends - ranks.shape[1]
    return sums


def untied(ranks: Ranks) -> Counts:
    """[lists, n]: how many networks have another value, for each network."""
    starts, ends = group_ends(ranks)
    counts: Counts = ranks.shape[1] - (ends - starts)
    return counts


def agreement(scores: Ranks, target: Ranks) -> Counts:
    """[lists, n]: for each network i, the sum over j of sign(s_i - s_j) sign(t_i - t_j).

    That is the number of networks that stand to it in the scores as they do in the target, less the
    number of those that stand the other way round.

    With h = (sign + 1) / 2 for either list, 4 times the sum of h h is this sum, plus the sums of
    signs of either list, plus n; and h h is counted by kind: below i in both lists 1, tied in one
    and below in the other 1/2, tied in both 1/4.

    Args:
        scores: [lists, n], dense ranks.
        target: [n], dense ranks.
    """
    lists, n = scores.shape
    places = np.arange(n)
    # by the score and, among equal ones, by falling target
    order = (scores * n + (n - 1 - target)).argsort(axis=1)
    x, y = np.take_along_axis(scores, order, axis=1), target[order]
    # ranks by the target; the latest first among equal ones, so that no tie counts as below
    ranks = np.empty_like(x)
    np.put_along_axis(ranks, (y * n + (n - 1 - places)).argsort(axis=1), places, axis=1)
    below = np.take_along_axis(_earlier_and_lower(ranks), ranks, axis=1)

    first = np.ones((lists, n), dtype=bool)  # of those that are equal in both
    first[:, 1:] = (x[:, 1:] != x[:, :-1]) | (y[:, 1:] != y[:, :-1])
    both_start = np.maximum.accumulate(np.where(first, places, 0), axis=1)
    _, both = group_ends(first.cumsum(axis=1) - 1)
    (x_start, x_end), (y_start, y_end) = group_ends(x), group_ends(y)
    below_in_x = y_end - 1 - np.take_along_axis(ranks, both_start, axis=1)  # and tied in y
    below_in_y = x_end - both  # and tied in x
    sums = 4 * below + 2 * (below_in_x + below_in_y) + (both - both_start)
    sums -= x_start + x_end + y_start + y_end - n
    result: Counts = np.empty_like(sums)
    np.put_along_axis(result, order, sums, axis=1)
    return result


def taus(scores: Ranks, target: Ranks) -> Values:
    """[lists]: Kendall's tau-b of every list with the target, NaN where it is not defined.

    Args:
        scores: [lists, n], dense ranks.
        target: [n], dense ranks.
    """
    return quotient(agreement(scores, target), untied(scores), untied(target[None]))


def rhos(scores: Ranks, target: Ranks) -> Values:
    """[lists]: Spearman's rho of every list with the target, as `taus`.

    The sum of signs of a network is twice its mean rank, less the mean of all.
    """
    x, y = sign_sums(scores), sign_sums(target[None])
    return quotient(x * y, x * x, y * y)


def weighted_taus(scores: Ranks, target: Ranks) -> Values:
    """[lists]: weighted tau of every list with the target, as `taus`.

    A pair counts with the sum of its networks' weights, 1 / (place + 1), the best at place 0. It is
    the mean of the value with places by score (by target where scores tie) and that with places by
    target: what SciPy's `weightedtau` is by default, from sums for each network.
    """
    alike, u, v = agreement(scores, target), untied(scores), untied(target[None])
    n = len(target)
    values = np.zeros(len(scores))
    for order in (scores * n + target, target * n + scores):
        weights = np.empty(scores.shape)
        np.put_along_axis(weights, order.argsort(axis=1), 1 / np.arange(n, 0, -1.0)[None], axis=1)
        values += quotient(weights * alike, weights * u, weights * v) / 2
    return values


def quotient(
    products: Counts | Values, squares: Counts | Values, other_squares: Counts | Values
) -> Values:
    """[lists]: the sum of the first over the root of the sums of the others, NaN where that is 0.

    Args:
        products: [lists, n], one term a network.
        squares: [lists, n].
        other_squares: [lists, n], or [1, n] for all.
    """
    square = squares.sum(axis=1).astype(np.float64) * other_squares.sum(axis=1)
    root = np.sqrt(np.where(square > 0, square, np.nan))
    values: Values = np.clip(products.sum(axis=1) / root, -1, 1)
    return values


def _earlier_and_lower(ranks: Ranks) -> Counts:
    """[lists, n]: by rank, how many of a lower rank stand before it; every row a permutation."""
    lists, n = ranks.shape
    size = 1 << max(n - 1, 0).bit_length()
    padded = np.tile(np.arange(size, dtype=np.int32), (lists, 1))
    padded[:, :n] = ranks
    values, counts = padded.ravel(), np.zeros(lists * size, dtype=np.int32)
    half = size // 2
    while half:
        # the values stand in blocks of 2 half ranks each, of which half are low
        high = (values & half) != 0
        low = ~high
        passed = low.cumsum(dtype=np.int32)[high].reshape(-1, half)
        passed -= np.arange(len(passed), dtype=np.int32)[:, None] * half  # those of earlier blocks
        values = _blocks(values[low], values[high], half)
        counts = _blocks(counts[low], counts[high] + passed.ravel(), half)
        half //= 2
    return counts.reshape(lists, size)[:, :n].astype(np.int64)


def _blocks(low: NDArray[np.int32], high: NDArray[np.int32], half: int) -> NDArray[np.int32]:
    """Alternately `half` of the low and `half` of the high ones."""
    return np.stack([low.reshape(-1, half), high.reshape(-1, half)], axis=1).ravel()
