"""The scores that every tool is asked for, so that their values can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from gradalign.linalg import cosine, log_det_identity_plus
from gradalign.statistics import Statistics


@dataclass(frozen=True)
class Scores:
    """GradAlign I, II and II of the whole network; None where a tool does not give it."""

    gradalign_i: float | None
    gradalign_ii: float | None
    gradalign_ii_network: float

    def difference(self, other: Scores) -> float:
        """The largest relative difference over the scores that both have."""
        pairs = [
            (getattr(self, name), getattr(other, name))
            for name in ("gradalign_i", "gradalign_ii", "gradalign_ii_network")
        ]
        return max(abs(a - b) / abs(b) for a, b in pairs if a is not None and b is not None)


def from_statistics(statistics: Statistics) -> Scores:
    """From a pass of ours that collected `agreement` and `gram`."""
    gram = statistics.gram
    return Scores(
        gradalign_i=float(statistics.agreement.sum(0).mean()),
        gradalign_ii=float(log_det_identity_plus(cosine(gram)).sum()),
        gradalign_ii_network=float(log_det_identity_plus(cosine(gram.sum(0)))),
    )


def from_gradients(gradients: Iterable[Tensor]) -> Scores:
    """From the per-sample gradients of each block, [n, *shape]."""
    agreeing, log_dets, grams = 0.0, 0.0, []
    for gradient in gradients:
        rows = gradient.flatten(1)  # [n, p]
        signs = rows.sign()
        agrees = (signs == rows.sum(0).sign()) & (signs != 0)
        agreeing += float(agrees.sum()) / len(rows)
        grams.append(rows @ rows.T)
        log_dets += float(log_det_identity_plus(cosine(grams[-1])))
    network = sum(grams[1:], start=grams[0])
    return Scores(agreeing, log_dets, float(log_det_identity_plus(cosine(network))))


def from_network_gram(gram: Tensor) -> Scores:
    """From one Gram matrix of all weights, [n, n]: no signs and no blocks."""
    return Scores(None, None, float(log_det_identity_plus(cosine(gram))))
