"""A table as texts, before it becomes Markdown, LaTeX or lines on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NONE = "-"
"""What stands where there is no value."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value and how far it can be trusted.

    Args:
        value: A number as text.
        spread: Its interval or standard deviation.
        best: Whether it is the best of its column, or cannot be told apart from that.
    """

    value: str = NONE
    spread: str = ""
    best: bool = False

    @property
    def text(self) -> str:
        """All of it as plain text; `*` marks the best."""
        return " ".join(part for part in (self.value, self.spread) if part) + "*" * self.best


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that belong together.

    Args:
        title: Above them.
        rows: Name and cells of each.
    """

    title: str
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One table.

    Args:
        title: What it shows, in a few words.
        columns: Headings, that of the names left out.
        groups: The rows.
        notes: Sentences below it.
    """

    title: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[tuple[str, tuple[Cell, ...] | None]]:
        """Titles of groups, without cells, and their rows."""
        for group in self.groups:
            yield group.title, None
            yield from group.rows


def interval(value: float | None, ci: Sequence[float] | None, *, best: bool = False) -> Cell:
    """A rank correlation and its interval.

    Example:
        >>> interval(-0.0512, (-0.1, 0.0049)).text
        '-0.051 [-0.100, 0.005]'
    """
    if value is None:
        return Cell()
    spread = "" if ci is None else f"[{decimal(ci[0])}, {decimal(ci[1])}]"
    return Cell(value=decimal(value), spread=spread, best=best)


def deviation(pair: Sequence[float] | None) -> Cell:
    """A mean and its standard deviation."""
    return Cell() if pair is None else Cell(value=f"{pair[0]:.2f}", spread=f"±{pair[1]:.2f}")


def decimal(value: float) -> str:
    """Three decimals; zero has no sign."""
    text = f"{value:.3f}"
    return text.removeprefix("-") if float(text) == 0 else text
