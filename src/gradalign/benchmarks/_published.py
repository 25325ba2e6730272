"""The files that the authors of benchmarks publish, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gradalign._registry import Registry


@dataclass(frozen=True, kw_only=True)
class Published:
    """A public file, and the tables that are read from it.

    Args:
        name: How it is asked for, as in `gradalign data fetch NAME`.
        urls: Where it can be had, tried in this order.
        sha256: Checksum of the file; None: its authors pin none.
        filename: Name of the file at its source, which says its format.
        megabytes: About how large it is.
        read: From the file to tidy tables, by the name of the benchmark that each is of: a column
            `arch` in the space's own spelling, and numbers.
        benchmarks: Names of all tables that `read` may give.
        description: What it holds, in one line.
        source: Paper, and who publishes the file.
        licence: Licence of the figures.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str | None
    filename: str
    megabytes: float
    read: Callable[[Path], Mapping[str, pd.DataFrame]]
    benchmarks: tuple[str, ...]
    description: str
    source: str
    licence: str


PUBLISHED: Registry[Published] = Registry("published file", "gradalign.benchmarks")
