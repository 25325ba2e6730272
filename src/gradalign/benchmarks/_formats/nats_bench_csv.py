"""Accuracies of all NAS-Bench-201 cells in one CSV file; row i is the cell of official index i."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gradalign.benchmarks._formats.tables import tidy
from gradalign.errors import InputError

COLUMNS = {
    "CIFAR10TestAccuracy200Epochs": "cifar10",
    "CIFAR100TestAccuracy200Epochs": "cifar100",
    "ImageNetTestAccuracy200Epochs": "imagenet16-120",
    "ArchitectureString": "arch",
}

CELLS = 15_625


def is_nats_bench(frame: pd.DataFrame) -> bool:
    """Whether a table has the columns of that file."""
    return set(COLUMNS) <= set(frame.columns)


def from_nats_bench(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Columns `index`, `arch` and one for each data set, in percent, rounded to six decimals.

    Accuracies are fractions of at most 10,000 images; what lies below is rounding noise of the
    published means, which would break ties that are real.

    Raises:
        InputError: More rows than there are cells, or a malformed or repeated one.
    """
    if len(frame) > CELLS:
        raise InputError(f"{str(path)!r} has {len(frame):,} rows, and there are {CELLS:,} cells")
    found = tidy(frame[list(COLUMNS)].rename(columns=COLUMNS), path, "nb201").round(6)
    found.insert(0, "index", np.arange(len(found), dtype=np.int32))
    return found
