"""How far a download is, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class Screen:
    """A bar on a terminal; in a file or pipe, only what is worth a line."""

    def __init__(self, bar: Progress, *, quiet: bool) -> None:
        self._bar = bar
        self._quiet = quiet
        self._task: TaskID | None = None

    def begin(self, what: str) -> None:
        """Show the next step, at first without an end."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(escape(what), total=None)

    def advance(self, done: int, total: int | None) -> None:
        """Show how many bytes of the step are there."""
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=total)

    def say(self, line: str) -> None:
        """Print a line above the bar, unless all is to be quiet."""
        if not self._quiet:
            self._print(line)

    def warn(self, line: str) -> None:
        """Print a line in any case."""
        self._print(f"gradalign: {line}")

    def _print(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def screen(*, quiet: bool) -> Iterator[Screen]:
    """A screen for one command; its bar is wiped at the end."""
    bar = Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=quiet or not sys.stderr.isatty(),
    )
    with bar:
        yield Screen(bar, quiet=quiet)
