"""What the paired differences of an evaluation say of its rows."""

from __future__ import annotations

from dataclasses import replace

from gradalign.evaluation import Evaluation, PairedDifference
from gradalign.proxies import PROXIES

LEVEL = 0.05
"""Below this probability, after Holm's correction, two scores are told apart."""


def difference(found: Evaluation, proxy_a: str, proxy_b: str) -> PairedDifference | None:
    """Tau of `proxy_a` less that of `proxy_b`; None where one of them has no row."""
    for each in found.differences:
        if (each.proxy_a, each.proxy_b) == (proxy_a, proxy_b):
            return each
        if (each.proxy_b, each.proxy_a) == (proxy_a, proxy_b):
            return _turned(each)
    return None


def _turned(pair: PairedDifference) -> PairedDifference:
    value, ci = pair.difference, pair.difference_ci
    return replace(
        pair,
        proxy_a=pair.proxy_b,
        proxy_b=pair.proxy_a,
        difference=None if value is None else -value,
        difference_ci=None if ci is None else (-ci[1], -ci[0]),
    )


def inseparable(found: Evaluation) -> frozenset[str]:
    """The score with the highest tau, and those that cannot be told apart from it.

    Two are told apart where the paired difference of their taus has p < .05 after Holm's
    correction. Short training is left out: it is not free of training.
    """
    scores = [row for row in found.rows if row.cost is None and row.kendall_tau is not None]
    if not scores:
        return frozenset()
    best = max(scores, key=lambda row: row.kendall_tau or 0.0).proxy
    names = {row.proxy for row in scores}
    near = {best}
    for each in found.differences:
        pair = {each.proxy_a, each.proxy_b}
        if best in pair and pair <= names and each.p_holm is not None and each.p_holm >= LEVEL:
            near |= pair
    return frozenset(near)


def gains(found: Evaluation) -> tuple[PairedDifference, ...]:
    """For each score with an ablation in the table: what its tau has over that of the ablation."""
    pairs = []
    for row in found.rows:
        ablation = ablation_of(row.proxy)
        pair = difference(found, row.proxy, ablation) if ablation is not None else None
        if pair is not None:
            pairs.append(pair)
    return tuple(pairs)


def ablation_of(name: str) -> str | None:
    """The ablation of a registered proxy; None where it has none, or there is no such proxy."""
    return PROXIES[name].ablation if name in PROXIES else None
