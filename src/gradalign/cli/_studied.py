"""Which tables of accuracies a study of counts looks at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from gradalign.benchmarks import BENCHMARKS, Benchmark, get_benchmark
from gradalign.benchmarks.nb101 import read as read_nb101

MIXED = "digits"
"""Of several spaces, which are looked at one by one: between them size and kind differ at once."""

FETCHED = ("nb101", "nb_macro", "darts1000")

FOLDER = "GRADALIGN_DATA"
"""Variable that names a folder of tables."""

FILES = {"darts_dev.parquet": "darts", "nb_macro_dev.parquet": "macro"}
"""Tables of such a folder, and their spaces."""

NB101_FILE = "nb101_dev.parquet"


def studied(named: Sequence[str]) -> list[Benchmark]:
    """The tables that are named; none: those at hand, and those of the folder of tables.

    Raises:
        InputError: No such table, or one that cannot be read.
    """
    if named:
        return [
            part
            for name in named
            for part in (_by_space(BENCHMARKS[MIXED]) if name == MIXED else _one(name))
        ]
    at_hand = [BENCHMARKS[name] for name in FETCHED if BENCHMARKS[name].at_hand]
    found = [BENCHMARKS["nb201"], *_by_space(BENCHMARKS[MIXED]), *at_hand]
    known = {table.space for table in found}
    folder = os.environ.get(FOLDER)
    if folder:
        found += [table for table in _of(Path(folder)) if table.space not in known]
    return found


def _by_space(table: Benchmark) -> Iterator[Benchmark]:
    """A table for each of the spaces that the architectures of a table name."""
    frame = table.frame
    spaces = frame["arch"].str.partition(":")[0]
    for space in spaces.unique():
        own = frame[spaces == space].reset_index(drop=True)
        yield replace(table, name=f"{table.name} {space}", load=partial(pd.DataFrame.copy, own))


def _of(folder: Path) -> Iterator[Benchmark]:
    if (folder / NB101_FILE).is_file():
        yield replace(BENCHMARKS["nb101"], load=lambda: read_nb101(folder / NB101_FILE)["nb101"])
    for name, space in FILES.items():
        if (folder / name).is_file():
            yield renamed(get_benchmark(str(folder / name), space))


def _one(name: str) -> Iterator[Benchmark]:
    yield renamed(get_benchmark(name))


def renamed(table: Benchmark) -> Benchmark:
    """A file's table under the file's name, without the folder it lies in."""
    return table if table.name in BENCHMARKS else replace(table, name=Path(table.name).stem)
