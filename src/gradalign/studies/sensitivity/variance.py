"""How much of a score's ranks is the network's, and how much that of the draw.

Each network has a rank under each of k conditions. In the two-way layout without repetition, the
part of the ranks' variance that lies between networks is the intraclass correlation

    (M_networks - M_rest) / (M_networks + (k - 1) M_rest),

with M the mean squares (Shrout & Fleiss, Psychological Bulletin 1979, ICC(3,1)). It is 1 where all
conditions give one order, and 0 where they have no more in common than chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradalign.evaluation.bootstrap import Bootstrap
from gradalign.studies.sensitivity.measuring import SCORES
from gradalign.studies.sensitivity.results import Results

Values = NDArray[np.float64]

OVER = {
    "batch draws": "batch draw",
    "initialisations": "initialisation",
    "both": "both seeds",
    "kinds of images": "images",
}
"""What varies, and the factor of the conditions."""

KINDS = ("images: noise", "images: natural")
"""Of the conditions of images, those that a user would take."""


def shares(found: Results, seed: int) -> list[dict[str, object]]:
    """For each score and each thing that varies, the share of the variance between networks.

    Returns:
        Rows with `share` and its 95 % interval, over the networks that have all values.
    """
    rows: list[dict[str, object]] = []
    for score in SCORES:
        for over, factor in OVER.items():
            keys = found.keys_of(factor)
            if factor == "images":
                keys = [keys[0], *(key for key in keys if key in KINDS)]
            values = found.numbers(score, keys)
            values = values[np.isfinite(values).all(axis=1)]
            share, ci = _with_interval(values, seed)
            rows.append(
                {
                    "score": score,
                    "over": over,
                    "conditions": len(keys),
                    "n": len(values),
                    "share": share,
                    "share_ci": ci,
                }
            )
    return rows


def intraclass(values: Values, counts: Values) -> Values:
    """The share of the variance of ranks that lies between networks, in each of several samples.

    Args:
        values: [n, k], a value a network and condition.
        counts: [n, samples], how often each network is in a sample; every column adds up to n.

    Returns:
        [samples], numbers in [-1 / (k - 1), 1]; NaN where nothing varies, or n or k is below 2.

    Example:
        >>> values = np.array([[1.0, 10.0], [2.0, 30.0], [5.0, 70.0]])
        >>> intraclass(values, np.ones((3, 1))).tolist()
        [1.0]
    """
    n, k = values.shape
    if min(n, k) < 2:
        return np.full(counts.shape[1], np.nan)
    ranks = np.stack([_centred_ranks(column, counts) for column in values.T])  # [k, n, samples]
    networks = k * (counts * ranks.mean(axis=0) ** 2).sum(axis=0) / (n - 1)
    everything = (counts * ranks**2).sum(axis=(0, 1))
    rest = (everything - networks * (n - 1)) / ((n - 1) * (k - 1))
    total = networks + (k - 1) * rest
    nothing = np.full_like(total, np.nan)
    found: Values = np.divide(networks - rest, total, out=nothing, where=total > 0)
    return found


def _centred_ranks(column: Values, counts: Values) -> Values:
    """[n, samples]: mean rank in each sample of the networks with a value [n], less the middle."""
    below = np.greater.outer(column, column).astype(np.float64)
    equal = np.equal.outer(column, column).astype(np.float64)
    ranks: Values = (below + equal / 2) @ counts - len(column) / 2
    return ranks


def _with_interval(values: Values, seed: int) -> tuple[float | None, tuple[float, float] | None]:
    """The share and its interval, the networks resampled."""
    n = len(values)
    share = float(intraclass(values, np.ones((n, 1)))[0])
    if np.isnan(share):
        return None, None
    over = Bootstrap(n, seed=seed)
    return share, over.interval(share, intraclass(values, over.counts.astype(np.float64)))
