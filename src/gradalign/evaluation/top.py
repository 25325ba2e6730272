"""How well a score finds the best networks. Higher is better; a failed network counts as last."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradalign.evaluation.selection import shared_places

Values = NDArray[np.float64]


def ndcg10(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """Normalised discounted cumulative gain of the best tenth by score, ceil(n / 10) networks.

    The gain is the accuracy itself, at place r (from 0) divided by log2(r + 2), and the sum of a
    ranking is divided by the greatest that there is; networks that tie share their places. Where
    accuracies below 0 occur, the lowest is subtracted from all, since a gain cannot be negative.

    Args:
        score: n values, higher is better, none of them NaN.
        accuracy: n values.

    Returns:
        A number in [0, 1]; None where no network has a gain.
    """
    a = np.asarray(accuracy, dtype=np.float64)
    gain = a - a.min(initial=0)
    discount = 1 / np.log2(np.arange(len(a)) + 2)
    discount[_parts(len(a), 10) :] = 0
    best = float(np.sort(gain)[::-1] @ discount)
    return float(shared_places(score, discount) @ gain) / best if best > 0 else None


def precision5(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """Share of the best twentieth by score that is in the best twentieth by accuracy.

    Both are ceil(n / 20) networks. Ties at the edge are broken at random, in the scores and in the
    accuracies independently, and the value is the mean over all ways to break them.

    Args:
        score: n values, higher is better, none of them NaN.
        accuracy: n values.
    """
    n = len(np.asarray(accuracy))
    if n == 0:
        return None
    count = _parts(n, 20)
    inside = (np.arange(n) < count).astype(np.float64)
    return float(shared_places(score, inside) @ shared_places(accuracy, inside)) / count


def _parts(n: int, parts: int) -> int:
    """One of so many parts of n networks, rounded up."""
    return -(-n // parts)
