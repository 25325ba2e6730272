"""Uncertainty over architectures by the infinitesimal jackknife: one influence value a network.

A rank correlation of weighted networks is a smooth function of the weights. The influence of a
network is the derivative by its weight, at equal weights; a bootstrap draws the weights, so the
variance it finds is, to first order, the sum of the squared influences. They need O(n log n) where
the bootstrap needs that or more for each of its resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from gradalign.evaluation.pairs import (
    Ranks,
    agreement,
    group_ends,
    quotient,
    rhos,
    sign_sums,
    untied,
)
from gradalign.evaluation.partial import regression

Values = NDArray[np.float64]
Interval = tuple[float, float]

_QUANTILE = float(ndtri(0.975))


@dataclass(frozen=True)
class Jackknife:
    """Influence values of rank correlations of n networks; NaN where there is no correlation.

    Args:
        n: Number of networks.
    """

    name: ClassVar[Literal["jackknife"]] = "jackknife"
    n: int

    def tau(self, scores: Ranks, targets: Ranks) -> tuple[Values, Values]:
        """Tau-b of every list with every target, and the influences on it.

        tau = sum_i c_i / sqrt(sum_i u_i sum_i v_i), c the agreement of a network with all others, u
        and v the numbers of networks that are not tied with it; a weight occurs in both sums of a
        pair, so the derivatives are twice c, u and v.

        Args:
            scores: [lists, n], dense ranks.
            targets: [targets, n], dense ranks.

        Returns:
            [lists, targets] and [lists, targets, n].
        """
        u, v = untied(scores), untied(targets)
        u_sum, v_sum = u.sum(axis=1), v.sum(axis=1)
        values = np.empty((len(scores), len(targets)))
        influences = np.empty((*values.shape, self.n))
        for k, target in enumerate(targets):
            alike = agreement(scores, target)
            values[:, k] = quotient(alike, u, v[k : k + 1])
            root = _root(u_sum.astype(np.float64) * v_sum[k])[:, None]
            ties = u / np.where(u_sum, u_sum, 1)[:, None] + v[k] / max(v_sum[k], 1)
            influences[:, k] = 2 * alike / root - values[:, k, None] * ties
        return values, influences

    def rho(self, scores: Ranks, target: Ranks) -> tuple[Values, Values]:
        """Spearman's rho of every list with one target, [lists], and influences, [lists, n].

        With X_i the sum of signs of i against all (twice its centred rank), Y likewise, rho is
        sum_i X_i Y_i over the root of the sums of squares. A weight occurs at i and, within X and
        Y, at every network that is above or below.
        """
        other = target[None]
        x, y = sign_sums(scores), sign_sums(other)
        xy = x * y + _above_less_below(scores, y) + _above_less_below(other, x)
        xx, yy = (a * a + 2 * _above_less_below(of, a) for of, a in ((scores, x), (other, y)))
        x_sum: Values = np.sum(x * x, axis=1, dtype=np.float64)
        y_sum: Values = np.sum(y * y, axis=1, dtype=np.float64)
        root = _root(x_sum * y_sum)[:, None]
        own = xx / np.where(x_sum, x_sum, 1)[:, None] + yy / np.where(y_sum, y_sum, 1)
        values = rhos(scores, target)
        return values, xy / root - values[:, None] / 2 * own

    def partial(self, matrix: Values, parts: Values) -> Values:
        """[n]: influences on the partial tau of the first two lists given the others.

        The Schur complement S changes by L dM L', with L the identity less the regression on the
        covariates; the rest is the derivative of S_sa / sqrt(S_ss S_aa).

        Args:
            matrix: [k, k], tau-b of every pair of lists.
            parts: [k, k, n], influences on it; 0 on the diagonal.
        """
        left = np.concatenate([np.eye(2), -regression(matrix)], axis=1)  # [2, k]
        schur = left @ matrix @ left.T
        change = np.einsum("ak,kln,bl->abn", left, parts, left, optimize=True)
        value = schur[0, 1] / np.sqrt(schur[0, 0] * schur[1, 1])
        own = change[0, 0] / schur[0, 0] + change[1, 1] / schur[1, 1]
        result: Values = change[0, 1] / np.sqrt(schur[0, 0] * schur[1, 1]) - value / 2 * own
        return result

    def stderr(self, influences: Values) -> float:
        """Standard error of what the influences are of: the root of their sum of squares."""
        return float(np.sqrt(influences @ influences))

    def interval(self, estimate: float, influences: Values) -> Interval | None:
        """95 % interval of a correlation, by Fisher's z so that it stays within [-1, 1]."""
        stderr = self.stderr(influences)
        if not np.isfinite(stderr):
            return None
        slope = 1 - estimate**2
        if slope <= 1e-12:
            return estimate, estimate  # every pair is in order, in any resample
        reach = _QUANTILE * stderr / slope
        low, high = np.tanh(np.arctanh(estimate) + np.array([-reach, reach]))
        return float(low), float(high)

    def difference_interval(self, difference: float, influences: Values) -> Interval | None:
        """95 % interval of a difference of correlations, by the normal approximation."""
        reach = _QUANTILE * self.stderr(influences)
        return (difference - reach, difference + reach) if np.isfinite(reach) else None


def _root(product: Values) -> Values:
    """The square root, NaN for 0."""
    return np.sqrt(np.where(product > 0, product, np.nan))


def _above_less_below(ranks: Ranks, values: Ranks) -> Values:
    """[lists, n]: for each network, the sum of the values above it less that of those below."""
    starts, ends = group_ends(ranks)
    ordered = np.take_along_axis(values, ranks.argsort(axis=1), axis=1)
    running = np.zeros((len(ordered), ranks.shape[1] + 1))
    ordered.cumsum(axis=1, out=running[:, 1:], dtype=np.float64)
    below, up_to = (np.take_along_axis(running, places, axis=1) for places in (starts, ends))
    result: Values = running[:, -1:] - up_to - below
    return result
