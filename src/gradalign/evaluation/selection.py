"""Accuracy of the network that a score would pick.

Where networks tie for the best score, each of them is picked equally often.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]

DRAWS = (10, 100, 1000)
"""Sizes of the draws behind `selected_accuracy`."""


class Selected(NamedTuple):
    """Mean and standard deviation, over draws, of the accuracy of the network picked."""

    mean: float
    sd: float


def pick_probabilities(score: ArrayLike, draw: int) -> Values:
    """[n]: how likely each network is the best by score among `draw` drawn without replacement.

    The network at place r (from 0, best first) of n is it if it is drawn and the r better ones are
    not: C(n - 1 - r, draw - 1) / C(n, draw). Networks that tie share the sum of their places.

    Args:
        score: n values, higher is better, none of them NaN.
        draw: Number of networks drawn, from 1 to n.
    """
    values = np.asarray(score, dtype=np.float64)
    n = len(values)
    r = np.arange(n - 1)
    # the ratio of neighbouring places is (n - draw - r) / (n - 1 - r): no large factorials
    ratios = np.maximum(n - draw - r, 0) / (n - 1 - r)
    places = draw / n * np.concatenate([[1.0], np.cumprod(ratios)])
    return shared_places(values, places)


def shared_places(score: ArrayLike, places: Values) -> Values:
    """[n]: what each network gets for its place by score, those that tie the mean of theirs.

    Args:
        score: n values, higher is better, none of them NaN.
        places: What the n places are worth, best first.
    """
    values = np.asarray(score, dtype=np.float64)
    _, group = np.unique(-values, return_inverse=True)  # groups of ties, best first
    sizes = np.bincount(group)
    shares = np.add.reduceat(places, np.cumsum(sizes) - sizes) / sizes
    result: Values = shares[group]
    return result


def selected_accuracy(score: ArrayLike, accuracy: ArrayLike, draw: int) -> Selected | None:
    """Accuracy of the best by score among `draw` networks, over all draws without replacement.

    This is the exact mean and standard deviation over every possible draw, which sampling would
    only approach; there is no seed.

    Args:
        score: n values, higher is better, none of them NaN.
        accuracy: n values.
        draw: Number of networks in one draw.

    Returns:
        Mean and standard deviation, in the accuracy's unit; None unless n > draw.
    """
    a = np.asarray(accuracy, dtype=np.float64)
    if len(a) <= draw:
        return None
    p = pick_probabilities(score, draw)
    mean = float(p @ a)
    return Selected(mean, float(np.sqrt(p @ np.square(a - mean))))


def random_accuracy(accuracy: ArrayLike, draw: int) -> Selected | None:
    """Accuracy of a network taken blindly from a draw: that of the whole pool for any size of it.

    Args:
        accuracy: n values.
        draw: Number of networks in one draw.

    Returns:
        Mean and standard deviation, in the accuracy's unit; None unless n > draw.
    """
    a = np.asarray(accuracy, dtype=np.float64)
    return Selected(float(a.mean()), float(a.std())) if len(a) > draw else None


def picked_accuracy(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """Accuracy of the network with the best score of all; the mean of those that tie for it."""
    values = np.asarray(score, dtype=np.float64)
    if len(values) == 0:
        return None
    return float(np.asarray(accuracy, dtype=np.float64)[values == values.max()].mean())


def regret(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """How much `picked_accuracy` falls short of the best accuracy; 0 for the oracle."""
    picked = picked_accuracy(score, accuracy)
    if picked is None:
        return None
    return float(np.asarray(accuracy, dtype=np.float64).max()) - picked
