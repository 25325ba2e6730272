"""What the commands write: results to stdout, progress to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 100_000
"""Columns of an output that is no terminal: wide enough to cut nothing."""

NAME_SHARE = 0.4
"""Share of a terminal's width that the first column can take before it is folded."""


def terminal(stream: TextIO | None = None) -> Console:
    """A console on `stream`, by default stdout; whole lines where it is no terminal."""
    stream = stream or sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def write_json(document: object) -> None:
    """One JSON document on stdout; a number that is not finite would be a bug."""
    json.dump(document, sys.stdout, indent=2, allow_nan=False, ensure_ascii=False)
    sys.stdout.write("\n")


def write_csv(frame: pd.DataFrame) -> None:
    """A frame as CSV on stdout, every digit kept."""
    frame.to_csv(sys.stdout, index=False, lineterminator="\n")


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> None:
    """A table on stdout, fitted to a terminal.

    A table of texts is folded. One of numbers is given in several parts below each other.

    Args:
        header: Names of the columns.
        rows: The cells.
        left: How many columns are texts, set flush left; the first one stands in every part.
    """
    console = terminal()
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    widths[0] = min(widths[0], max(16, int(console.width * NAME_SHARE)))
    texts = left == len(header)
    for part in [[*range(left)]] if texts else _parts(widths, console.width):
        table = Table(
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            header_style="bold",
            pad_edge=False,
            show_edge=False,
        )
        for column in part:
            table.add_column(
                header[column],
                justify="left" if column < left else "right",
                overflow="fold",
                no_wrap=texts and column == 0 and widths[0] < console.width * NAME_SHARE,
            )
        for row in rows:
            table.add_row(*(Text(row[column]) for column in part))
        console.print(table)
        console.print()


def _parts(widths: Sequence[int], limit: int) -> Iterator[list[int]]:
    """Columns of each part of a table: the first, and as many of the rest as fit."""
    part, used = [0], widths[0]
    for column, width in enumerate(widths[1:], start=1):
        if len(part) > 1 and used + width + 2 > limit:
            yield part
            part, used = [0], widths[0]
        part.append(column)
        used += width + 2
    yield part


def note(line: str) -> None:
    """A line under the result, folded at the width of a terminal; what it is about stands out."""
    text = Text(line)
    text.highlight_regex(r"^[^:.]{1,40}:", "bold")
    terminal().print(text)


@contextmanager
def progress(what: str, total: int, *, quiet: bool) -> Iterator[Progress]:
    """A progress bar on stderr with one task; nothing where that is no terminal."""
    bar = Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=quiet or not sys.stderr.isatty(),
    )
    with bar:
        bar.add_task(what, total=total)
        yield bar


def number(value: float | None, digits: int = 4) -> str:
    """A number to read: `digits` digits, thousands apart, `-` where there is none.

    Example:
        >>> number(13742720.0), number(0.50927), number(668.849), number(None)
        ('13,742,720', '0.5093', '668.8', '-')
    """
    if value is None or value != value:
        return "-"
    if abs(value) >= 10 ** (digits - 1) and abs(value) < 1e12:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def estimate(value: float | None, stderr: float | None) -> str:
    """A value and its standard error."""
    return number(value) if stderr is None else f"{number(value)} ±{number(stderr, 2)}"
