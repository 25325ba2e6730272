"""Means with their intervals, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradalign.separation import half_width


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean, or a difference of means.

    Args:
        value: The mean; None where there are no values.
        ci: Its 95 % interval by Student's t; None where the values do not give one.
        n: Number of values, or of pairs of values.
    """

    value: float | None
    ci: tuple[float, float] | None
    n: int

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies on one side of 0, else 0."""
        if self.ci is None or self.ci[0] <= 0 <= self.ci[1]:
            return 0
        return 1 if self.ci[0] > 0 else -1


def mean(values: Sequence[float]) -> Estimate:
    """Mean of independent values, such as paired differences, and its interval.

    Example:
        >>> mean([1.0, 2.0, 3.0]).value
        2.0
    """
    n = len(values)
    if n == 0:
        return Estimate(value=None, ci=None, n=0)
    value = float(np.mean(values))
    if n == 1:
        return Estimate(value=value, ci=None, n=1)
    half = half_width(float(np.std(values, ddof=1)) / math.sqrt(n), n)
    return Estimate(value=value, ci=(value - half, value + half), n=n)


def number(
    value: float | None, ci: Sequence[float] | None = None, decimals: int = 2, sign: str = ""
) -> str:
    """A value with its interval, for a sentence; `sign` is `+` for a difference.

    Example:
        >>> number(0.31, (0.12, 0.5)), number(-0.001, sign="+"), number(None)
        ('0.31 [0.12, 0.50]', '+0.00', 'without a value')
    """
    if value is None:
        return "without a value"
    first, *ends = (
        f"{round(each, decimals) + 0.0:{sign}.{decimals}f}" for each in (value, *(ci or ()))
    )
    return f"{first} [{', '.join(ends)}]" if ends else first
