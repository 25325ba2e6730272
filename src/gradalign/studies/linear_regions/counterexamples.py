"""Networks with as many regions or more, and worse trained accuracy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import t as student

from gradalign.studies._estimates import Estimate
from gradalign.studies.linear_regions.counting import SIZES

Network = Mapping[str, Any]


def welch(a: Sequence[float], b: Sequence[float]) -> Estimate:
    """Mean of `a` less that of `b`, independent draws of unequal variance (Welch 1947)."""
    value, n = float(np.mean(a) - np.mean(b)), min(len(a), len(b))
    if min(len(a), len(b)) < 2:
        return Estimate(value=value, ci=None, n=n)
    parts = [float(np.var(each, ddof=1)) / len(each) for each in (a, b)]
    if sum(parts) == 0:
        return Estimate(value=value, ci=(value, value), n=n)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(each) - 1) for part, each in zip(parts, (a, b), strict=True)
    )
    half = float(student.ppf(0.975, freedom)) * math.sqrt(sum(parts))
    return Estimate(value=value, ci=(value - half, value + half), n=n)


def worst_pair(
    networks: Sequence[Network], count: str, *, same_size: bool = False, times: float = 1.0
) -> tuple[Network, Network] | None:
    """Of all pairs whose first has as high a count or a higher one, that with the greatest fall.

    Args:
        networks: With `accuracy` and `values`; those without the count are left out.
        count: Its name.
        same_size: Whether params, macs and layers have to be the same in both.
        times: The first count is at least so many times the second.

    Returns:
        The network with the higher count and the lower accuracy, and the other; None: no pair in
        which the count is no lower and the accuracy lower.
    """
    best, found = 0.0, None
    known = [network for network in networks if count in network["values"]]
    for a in known:
        for b in known:
            fall = b["accuracy"] - a["accuracy"]
            if fall <= best or a["values"][count] < times * b["values"][count]:
                continue
            if same_size and _size(a) != _size(b):
                continue
            best, found = fall, (a, b)
    return found


def wrong_pairs(networks: Sequence[Network], count: str) -> dict[str, float | int | None]:
    """How often the count errs about which of two networks is the better.

    Returns:
        `pairs` that differ in accuracy, and the shares of them that are `tied` in the count and in
        which it is `wrong`: higher for the less accurate network.
    """
    known = [network for network in networks if count in network["values"]]
    values = np.array([network["values"][count] for network in known])
    accuracy = np.array([network["accuracy"] for network in known])
    order = np.sign(np.subtract.outer(values, values))[np.triu_indices(len(known), 1)]
    truth = np.sign(np.subtract.outer(accuracy, accuracy))[np.triu_indices(len(known), 1)]
    pairs = int((truth != 0).sum())
    if not pairs:
        return {"pairs": 0, "tied": None, "wrong": None}
    return {
        "pairs": pairs,
        "tied": float(((order == 0) & (truth != 0)).sum()) / pairs,
        "wrong": float((order * truth < 0).sum()) / pairs,
    }


def longest_chain(networks: Sequence[Network], count: str) -> list[Network]:
    """The longest series of networks whose count rises at every step while accuracy falls.

    Of several as long, one that falls furthest.
    """
    known = [network for network in networks if count in network["values"]]
    known.sort(key=lambda each: (each["values"][count], each["accuracy"], each["arch"]))
    best: list[list[Network]] = []
    for k, network in enumerate(known):
        before = [
            chain
            for chain, last in zip(best, known[:k], strict=True)
            if last["values"][count] < network["values"][count]
            and last["accuracy"] > network["accuracy"]
        ]
        best.append([*max(before, key=_length, default=[]), network])
    return max(best, key=_length, default=[])


def _length(chain: Sequence[Network]) -> tuple[int, float]:
    return len(chain), chain[0]["accuracy"] - chain[-1]["accuracy"]


def _size(network: Network) -> tuple[Any, ...]:
    return tuple(network["values"].get(name) for name in SIZES)
