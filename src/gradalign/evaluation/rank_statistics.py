"""Rank statistics of scores against accuracies: single values, signed.

A value that is not defined (fewer than two networks, a constant) is None, never a made-up number.
Networks for which an input is NaN are left out; -inf is a rank like any other, the last.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Values = NDArray[np.float64]

_SAME_ORDER = 1 - 1e-12  # |tau| = 1 up to the rounding of the square root in tau-b


def kendall_tau(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """Kendall tau-b of two lists of n values; 1: the same order, -1: the opposite one."""
    x, y = _complete(score, accuracy)
    if _is_constant(x) or _is_constant(y):
        return None
    return float(stats.kendalltau(x, y).statistic)


def spearman_rho(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """Spearman rank correlation of two lists of n values, ties given their mean rank."""
    x, y = _complete(score, accuracy)
    if _is_constant(x) or _is_constant(y):
        return None
    return float(stats.spearmanr(x, y).statistic)


def top10_tau(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """Kendall tau-b among the best tenth by accuracy.

    The tenth is the ceil(n / 10) most accurate networks and those that tie with the last of them.
    """
    x, y = _complete(score, accuracy)
    if len(y) == 0:
        return None
    count = (len(y) + 9) // 10
    threshold = np.sort(y)[-count]
    return kendall_tau(x[y >= threshold], y[y >= threshold])


def partial_tau(
    score: ArrayLike, accuracy: ArrayLike, covariates: Sequence[ArrayLike]
) -> float | None:
    """Kendall tau-b of score and accuracy with the covariates partialled out.

    With P the pseudo-inverse of the tau-b matrix of (score, accuracy, covariates), the value is
    -P_sa / sqrt(P_ss P_aa). It is computed from the Schur complement S of the covariates, of which
    the block of P is the inverse: S_sa / sqrt(S_ss S_aa). That is the same number, and it shows
    where there is none: where the covariates determine the score's order or the accuracy's.

    A covariate that is constant or at |tau| = 1 with an earlier one adds nothing and is left out.
    So is one at |tau| = 1 with the score: params, for example, is partialled on the others.

    Args:
        score: n values.
        accuracy: n values.
        covariates: Lists of n values. Networks without a value in any of them are left out.

    Returns:
        A number in [-1, 1], the sign as for `kendall_tau`; None where it is not defined.
    """
    x, y, *others = _complete(score, accuracy, *covariates)
    if _is_constant(x) or _is_constant(y):
        return None
    kept: list[Values] = []
    for z in others:
        if not _is_constant(z) and not any(_has_same_order(z, other) for other in (x, *kept)):
            kept.append(z)
    matrix = _tau_matrix([x, y, *kept])
    cross = matrix[:2, 2:]  # [2, covariates]
    schur = matrix[:2, :2] - cross @ np.linalg.pinv(matrix[2:, 2:], hermitian=True) @ cross.T
    if min(schur[0, 0], schur[1, 1]) < 1e-10:
        return None
    return float(np.clip(schur[0, 1] / np.sqrt(schur[0, 0] * schur[1, 1]), -1, 1))


def _complete(*columns: ArrayLike) -> list[Values]:
    """The columns as float64, without the networks for which one of them is NaN."""
    values = np.asarray(columns, dtype=np.float64)  # [columns, n]
    return list(values[:, ~np.isnan(values).any(axis=0)])


def _is_constant(values: Values) -> bool:
    """Whether there is nothing to order; an empty or single value counts."""
    return len(values) < 2 or bool((values == values[0]).all())


def _has_same_order(a: Values, b: Values) -> bool:
    """Whether |tau| = 1 between two lists that are not constant."""
    tau = kendall_tau(a, b)
    return tau is not None and abs(tau) >= _SAME_ORDER


def _tau_matrix(columns: Sequence[Values]) -> Values:
    """[k, k]: tau-b of every pair of k columns that are not constant."""
    matrix = np.eye(len(columns))
    for i, a in enumerate(columns):
        for j, b in enumerate(columns[:i]):
            matrix[i, j] = matrix[j, i] = kendall_tau(a, b)
    return matrix
