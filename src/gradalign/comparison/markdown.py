"""Tables as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gradalign.comparison.grid import Cell, Grid

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#$])")


def markdown(grids: Iterable[Grid]) -> str:
    """The tables one below the other, each with its title in bold and its notes."""
    return "\n".join(_table(grid) for grid in grids)


def escaped(text: str) -> str:
    r"""A text that Markdown shows as it is, on one line.

    Example:
        >>> print(escaped("a_b | 10 %"))
        a\_b \| 10 %
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _table(grid: Grid) -> str:
    lines = [f"**{escaped(grid.title)}**", "", _row("", map(escaped, grid.columns))]
    lines.append("| --- |" + " ---: |" * len(grid.columns))
    for name, cells in grid.lines():
        if cells is None:
            lines.append(_row(f"*{escaped(name)}*", [""] * len(grid.columns)))
        else:
            lines.append(_row(escaped(name), map(_cell, cells)))
    notes = [line for note in grid.notes for line in ("", escaped(note))]
    return "\n".join([*lines, *notes, ""])


def _row(name: str, cells: Iterable[str]) -> str:
    parts: Sequence[str] = [name, *cells]
    return f"| {' | '.join(parts)} |"


def _cell(cell: Cell) -> str:
    value = f"**{escaped(cell.value)}**" if cell.best else escaped(cell.value)
    return f"{value} {escaped(cell.spread)}" if cell.spread else value
