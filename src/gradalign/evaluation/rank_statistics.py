"""Rank statistics of scores against accuracies: single values, signed.

A value that is not defined (fewer than two networks, a constant) is None, never a made-up number.
Networks for which an input is NaN are left out; -inf is a rank like any other, the last.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradalign.evaluation.pairs import dense_ranks, rhos, taus, weighted_taus
from gradalign.evaluation.partial import kept_lists, partial_correlation

Values = NDArray[np.float64]


def kendall_tau(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """Kendall tau-b of two lists of n values; 1: the same order, -1: the opposite one."""
    x, y = _complete(score, accuracy)
    return or_none(taus(dense_ranks([x]), dense_ranks([y])[0])[0])


def spearman_rho(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """Spearman rank correlation of two lists of n values, ties given their mean rank."""
    x, y = _complete(score, accuracy)
    return or_none(rhos(dense_ranks([x]), dense_ranks([y])[0])[0])


def weighted_tau(score: ArrayLike, accuracy: ArrayLike) -> float | None:
    """Weighted tau of two lists of n values, in which what is at the top counts most.

    `gradalign.evaluation.pairs.weighted_taus` says how.
    """
    x, y = _complete(score, accuracy)
    return or_none(weighted_taus(dense_ranks([x]), dense_ranks([y])[0])[0])


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

    `gradalign.evaluation.partial` says how. A covariate that is constant or at |tau| = 1 with an
    earlier one or with the score is left out.

    Args:
        score: n values.
        accuracy: n values.
        covariates: Lists of n values. Networks without a value in any of them are left out.

    Returns:
        A number in [-1, 1], the sign as for `kendall_tau`; None where it is not defined.
    """
    ranks = dense_ranks(_complete(score, accuracy, *covariates))
    matrix = np.stack([taus(ranks, target) for target in ranks])
    np.fill_diagonal(matrix, 1)
    return partial_of(matrix)


def partial_of(matrix: Values) -> float | None:
    """Partial tau from the tau-b of every pair of (score, accuracy, covariates)."""
    kept = kept_lists(matrix)
    return or_none(float(partial_correlation(matrix[np.ix_(kept, kept)])))


def or_none(value: float) -> float | None:
    """The value, None for NaN."""
    return None if np.isnan(value) else float(value)


def _complete(*columns: ArrayLike) -> list[Values]:
    """The columns as float64, without the networks for which one of them is NaN."""
    values = np.asarray(columns, dtype=np.float64)  # [columns, n]
    return list(values[:, ~np.isnan(values).any(axis=0)])
