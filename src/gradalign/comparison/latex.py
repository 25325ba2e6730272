"""Tables as LaTeX, for a document that loads booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gradalign.comparison.grid import Cell, Grid

_SPECIAL = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
}


def latex(grids: Iterable[Grid]) -> str:
    """A `table` for each, with its title and notes as the caption."""
    head = "% \\usepackage{booktabs} and, for names that hold quotation marks, [T1]{fontenc}\n\n"
    return head + "\n".join(_table(grid) for grid in grids)


def escaped(text: str) -> str:
    r"""A text that LaTeX sets as it is.

    Example:
        >>> print(escaped("top_5 & 10 %"))
        top\_5 \& 10 \%
    """
    return "".join(_SPECIAL.get(sign, sign) for sign in " ".join(text.split()))


def _table(grid: Grid) -> str:
    width = len(grid.columns) + 1
    lines = [
        r"\begin{table}",
        r"\centering",
        r"\small",
        rf"\caption{{{' '.join(map(escaped, (f'{grid.title}.', *grid.notes)))}}}",
        rf"\begin{{tabular}}{{l{'r' * len(grid.columns)}}}",
        r"\toprule",
        _row("", map(escaped, grid.columns)),
    ]
    for name, cells in grid.lines():
        if cells is None:
            lines += [r"\midrule", rf"\multicolumn{{{width}}}{{l}}{{\emph{{{escaped(name)}}}}} \\"]
        else:
            lines.append(_row(escaped(name), map(_cell, cells)))
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
    return "\n".join(lines)


def _row(name: str, cells: Iterable[str]) -> str:
    if name[:1] in {"[", "*"}:  # the end of the line above would take it for its own
        name = f"{{}}{name}"
    return rf"{' & '.join([name, *cells])} \\"


def _cell(cell: Cell) -> str:
    value, spread = _number(cell.value), _number(cell.spread)
    if cell.best:
        value = rf"\textbf{{{value}}}"
    return rf"{value} {{\scriptsize {spread}}}" if spread else value


def _number(text: str) -> str:
    """The minus of a number is no hyphen."""
    return re.sub(r"(?<![\w.])-(?=[\d.])", "$-$", escaped(text))
