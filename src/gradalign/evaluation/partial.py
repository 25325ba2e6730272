"""Partial correlation from the matrix of Kendall's tau-b.

Lists 0 and 1 of a matrix are the score and the accuracy, the others are covariates. With P the
pseudo-inverse of the matrix, partial tau is -P_sa / sqrt(P_ss P_aa). It is computed from the Schur
complement S of the covariates, of which the block of P is the inverse: S_sa / sqrt(S_ss S_aa). That
is the same number, and it shows where there is none: where the covariates determine the order of
the score or that of the accuracy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_SAME_ORDER = 1 - 1e-12  # |tau| = 1 up to the rounding of the square root in tau-b
_NOTHING_LEFT = 1e-10


def kept_lists(matrix: Values) -> list[int]:
    """The score, the accuracy, and the covariates that add something.

    A covariate that is constant or at |tau| = 1 with an earlier one adds nothing and is left out.
    So is one at |tau| = 1 with the score: params, for example, is partialled on the others.

    Args:
        matrix: [k, k], NaN beside the diagonal in row and column of a constant list.
    """
    kept = [0, 1]
    for k in range(2, len(matrix)):
        others = [0, *kept[2:]]
        if (np.abs(matrix[k, others]) < _SAME_ORDER).all():
            kept.append(k)
    return kept


def regression(matrix: Values) -> Values:
    """[..., 2, k - 2]: coefficients of score and accuracy on the covariates."""
    inverse = np.linalg.pinv(matrix[..., 2:, 2:], hermitian=True)
    coefficients: Values = matrix[..., :2, 2:] @ inverse
    return coefficients


def partial_correlation(matrix: Values) -> Values:
    """[...]: partial tau of each of the matrices; NaN where it is not defined.

    Args:
        matrix: [..., k, k], covariates that add nothing left out.
    """
    result = np.full(matrix.shape[:-2], np.nan)
    sound = ~np.isnan(matrix).any(axis=(-2, -1))
    left = matrix[sound]
    schur = left[:, :2, :2] - regression(left) @ left[:, 2:, :2]
    a, b = schur[:, 0, 0], schur[:, 1, 1]
    defined = np.minimum(a, b) >= _NOTHING_LEFT
    root = np.sqrt(np.where(defined, a * b, np.nan))
    result[sound] = np.clip(schur[:, 0, 1] / root, -1, 1)
    return result
