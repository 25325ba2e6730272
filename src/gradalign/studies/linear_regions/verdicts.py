"""One test for every count, whether it is enough to order networks by."""

from __future__ import annotations

from typing import Literal

Interval = tuple[float, float]
Verdict = Literal["insufficient", "sufficient", "undecided", "constant", "not measured"]

NEGLIGIBLE = 0.05
"""Partial tau up to which a count adds nothing to size."""

TEST = (
    "insufficient: the 95 % interval of its tau less that of the best of params, macs and layers "
    "lies below 0, or its partial tau given these three is at most "
    f"{NEGLIGIBLE} at the upper end of its interval; sufficient: both intervals lie above 0; else "
    "undecided"
)
"""The test in words."""


def verdict(distinct: int, difference: Interval | None, partial: Interval | None) -> Verdict:
    """What the test says of a count on a benchmark.

    Args:
        distinct: Number of different values it takes.
        difference: 95 % interval of its tau less that of the best measure of size; None: not known.
        partial: 95 % interval of its partial tau given all measures of size; None: not known.

    Example:
        >>> verdict(9, (-0.3, -0.1), (0.1, 0.2))
        'insufficient'
        >>> verdict(1, None, None)
        'constant'
    """
    if distinct == 0:
        return "not measured"
    if distinct == 1:
        return "constant"
    worse = difference is not None and difference[1] < 0
    nothing_added = partial is not None and partial[1] <= NEGLIGIBLE
    if worse or nothing_added:
        return "insufficient"
    if difference is not None and partial is not None and min(difference[0], partial[0]) > 0:
        return "sufficient"
    return "undecided"
