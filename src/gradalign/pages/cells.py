"""Texts and numbers as cells of a table."""

from __future__ import annotations

from gradalign.explanation.paired import Difference
from gradalign.pages.spread import number
from gradalign.report import Cell


def words(text: str, detail: str = "") -> Cell:
    """A text, sorted by itself."""
    return Cell(text=text, key=text, detail=detail)


def figure(value: float | None, digits: int = 4) -> Cell:
    """A number, a dash where there is none."""
    return Cell(text=number(value, digits), key=value)


def percent(value: float | None) -> Cell:
    """A share in percent."""
    return Cell(text="-" if value is None else f"{value:.1%}", key=value)


def cosine(value: float | None) -> Cell:
    """A cosine with its sign."""
    return Cell(text="-" if value is None else f"{value:+.3f}", key=value)


def signed(value: float | None) -> str:
    """A difference with its sign.

    Example:
        >>> signed(1234567.0), signed(-0.25), signed(0.0), signed(None)
        ('+1,234,567', '-0.25', '0', '-')
    """
    return number(value) if value is None or value <= 0 else f"+{number(value)}"


def added(value: float | None) -> Cell:
    """A difference."""
    return Cell(text=signed(value), key=value)


def between(difference: Difference) -> Cell:
    """A difference with its interval, and nothing of one that does not vary."""
    ends = difference.interval
    varies = ends is not None and ends[0] < ends[1]
    detail = f"{signed(ends[0])} to {signed(ends[1])}" if ends and varies else ""
    return Cell(text=signed(difference.mean), key=difference.mean, detail=detail)
