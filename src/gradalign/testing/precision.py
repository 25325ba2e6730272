"""Whether single precision orders networks as double precision does."""

from __future__ import annotations

from scipy.stats import spearmanr

from gradalign.proxies import Estimate, Proxy
from gradalign.testing._require import require
from gradalign.testing.measure import NETWORKS, measure

SEEDS = range(3)
"""Initialisations of each small network: a pool of networks of several kinds."""

LEAST = 0.99
"""Spearman's rank correlation between the precisions, from which on the order counts as kept."""


def check_precision(proxy: Proxy) -> None:
    """Ordered alike in single and double precision, or marked `ill_conditioned`."""
    if not proxy.deterministic or proxy.ill_conditioned:
        return
    pairs = []
    for name, make in NETWORKS.items():
        for seed in SEEDS:
            double = measure(proxy, make, seed=seed, dtype="float64")
            if not isinstance(double, Estimate):
                continue
            single = measure(proxy, make, seed=seed, dtype="float32")
            if not isinstance(single, Estimate):
                where = f"{proxy.name} on {name}"
                raise AssertionError(f"{where}: no value in single precision: {single.text}")
            pairs.append((single.value, double.value))
    if len({double for _, double in pairs}) < 3:
        return  # no order that could change
    rho = float(spearmanr(*zip(*pairs, strict=True)).statistic)
    require(
        rho >= LEAST,
        f"{proxy.name}: single precision orders {len(pairs)} networks by a Spearman correlation of "
        f"{rho:.3f} with double precision: mend it, or mark it ill_conditioned",
    )
