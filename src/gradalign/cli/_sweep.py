"""What commands that measure many networks have in common: options, live progress, the summary."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gradalign.cli._options import Conditions, Workers
from gradalign.errors import InputError
from gradalign.store import Store
from gradalign.sweep import Executor, Limits, Plan, Shard, Summary, sweep

LINE_EVERY = 30.0
"""Seconds between two lines where stderr is no terminal."""

_BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


Timeout = Annotated[
    float,
    typer.Option("--timeout", min=0, help="Seconds that one network may take; 0: no limit."),
]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a sweep may take."""

    workers: Workers = 2
    timeout: Timeout = 600.0
    max_memory: Annotated[
        str | None,
        typer.Option(
            "--max-memory",
            metavar="BYTES",
            show_default="the free memory, shared by the workers",
            help="Memory that one network may take, such as 2G; 0: no limit.",
        ),
    ] = None

    @property
    def limits(self) -> Limits:
        """As the library has them.

        Raises:
            InputError: A limit that cannot be read.
        """
        if self.max_memory is None:
            memory: int | None = Limits.fair_share(self.workers)
        else:
            memory = parse_bytes(self.max_memory) or None
        return Limits(timeout=self.timeout or None, max_memory=memory)


def parse_bytes(text: str) -> int:
    """The number of bytes that `512M`, `2G`, `2GB` or `1.5e9` stands for; K is 1000.

    Example:
        >>> parse_bytes("1.5 GB")
        1500000000
    """
    found = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([KMGT]?)i?B?\s*", text, re.IGNORECASE)
    try:
        return int(float(found[1]) * _BYTES[found[2].upper()]) if found else _refuse(text)
    except (ValueError, OverflowError):
        return _refuse(text)


def _refuse(text: str) -> int:
    raise InputError(f"memory {text!r}: write it as 512M or 2G")


def run_sweep(
    models: Iterable[str],
    plan: Plan,
    store: Store,
    resources: Resources,
    *,
    executor: Executor | None = None,
    total: int | None = None,
    shard: Shard | None = None,
    seeds: Sequence[int] = (0,),
    retry: bool = False,
    quiet: bool = False,
    again: str = "the same command",
) -> Summary:
    """`sweep`, shown on stderr while it runs; Ctrl-C says that `again` goes on.

    Without an executor, in processes of this machine that take no more than `resources`.
    """
    with _live(quiet=quiet) as live:
        try:
            return sweep(
                models,
                plan,
                store,
                seeds=seeds,
                shard=shard,
                total=total,
                executor=executor,
                workers=resources.workers,
                limits=resources.limits,
                retry=retry,
                progress=live.update,
            )
        except KeyboardInterrupt:
            live.say(f"stopped; all that was measured is in {store.path}, and {again} goes on")
            raise


def swept(conditions: Conditions) -> Plan:
    """What a sweep measures: the default scores come with what they have to beat, almost free."""
    plan = conditions.plan
    return plan.with_ablations() if conditions.proxies == Conditions().proxies else plan


def seeds_of(seed: int, repeats: int) -> range:
    """The seeds of `repeats` measurements of each network."""
    return range(seed, seed + repeats)


class _Live:
    """How far a sweep is: a bar on a terminal, now and then a line elsewhere."""

    def __init__(self, bar: Progress, *, quiet: bool) -> None:
        self._bar = bar
        self._lines = not quiet and not sys.stderr.isatty()
        self._told = time.monotonic()
        self._task = bar.add_task("measuring", total=None, state="starting workers")

    def update(self, summary: Summary) -> None:
        """Show what `summary` says."""
        state = describe(summary)
        self._bar.update(self._task, total=summary.total, completed=summary.done, state=state)
        if self._lines and time.monotonic() - self._told >= LINE_EVERY:
            self._told = time.monotonic()
            of = "" if summary.total is None else f" of {summary.total:,}"
            self.say(f"{summary.done:,}{of} networks, {state}")

    def say(self, line: str) -> None:
        """A line on stderr."""
        sys.stderr.write(f"gradalign: {line}\n")


def describe(summary: Summary) -> str:
    """Rate, failures and time left."""
    left = summary.seconds_left
    parts = [
        f"{summary.rate:.3g} measured a second",
        *([f"{summary.failed:,} failed"] if summary.failed else []),
        *([] if left is None else [f"{duration(left)} left"]),
    ]
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """A length of time to read.

    Example:
        >>> duration(42.4), duration(754), duration(7500), duration(200_000)
        ('42 s', '13 min', '2 h 5 min', '2 d 7 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} d {minutes // 60 % 24} h"


@contextmanager
def _live(*, quiet: bool) -> Iterator[_Live]:
    bar = Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        console=Console(stderr=True),
        transient=True,
        disable=quiet or not sys.stderr.isatty(),
    )
    with bar:
        yield _Live(bar, quiet=quiet)


def opened(path: Path, *, resume: bool) -> Store:
    """The store to write to: a new one, or with `resume` one that holds records.

    Raises:
        InputError: It holds records, and nothing says that they are to be gone on with.
    """
    store = Store.open(path)
    held = len(store)
    if held and not resume:
        store.close()
        raise InputError(
            f"{str(path)!r} holds {held:,} records: --resume goes on with it, --db names another"
        )
    return store
