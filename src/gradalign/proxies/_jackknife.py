"""Standard errors of scores that can be recomputed without each sample in turn."""

import math

from torch import Tensor

from gradalign.linalg import jackknife
from gradalign.proxies._base import Estimate


def jackknifed(value: Tensor, left_out: Tensor) -> Estimate:
    """A score with its jackknife standard error.

    Args:
        value: The score of all n samples, a scalar.
        left_out: The score without sample i, for every i, shape [n]; NaN where it has no value.

    Returns:
        An estimate whose `stderr` is None for one sample, and where a left-out score has no value.
    """
    stderr = jackknife(left_out)
    return Estimate(float(value), stderr if math.isfinite(stderr) else None, left_out)


def total_left_out(matrix: Tensor) -> Tensor:
    """Sum of all entries without row and column i, for every i: symmetric [n, n] to [n]."""
    return matrix.sum() - 2 * matrix.sum(-1) + matrix.diagonal()
