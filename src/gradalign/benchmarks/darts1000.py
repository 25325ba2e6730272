"""Validation accuracies of 1,000 DARTS networks on CIFAR-10."""

import csv
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, Metric
from gradalign.benchmarks._cache import load_table
from gradalign.benchmarks._formats.files import damaged, read_whole
from gradalign.benchmarks._formats.tables import is_table, parse_table, tidy
from gradalign.benchmarks._published import PUBLISHED, Published

NAME = "darts1000"
SPACE = "darts"
METRIC = "validation_accuracy"

SOURCE = "Peng et al., SWAP-NAS, ICLR 2024 (arXiv 2403.04161); github.com/pym1024/SWAP"
LICENCE = "not stated"


def read(path: Path) -> Mapping[str, pd.DataFrame]:
    """The table in the published CSV file, or in a Parquet or CSV file with a column `arch`.

    The published one has no header: a Genotype, as text that is parsed and never evaluated, and a
    percentage.

    Raises:
        InputError: A damaged file, or another table.
    """
    if not is_table(path):
        raise damaged(path, "is neither .csv nor .parquet, as the published file is")
    content = read_whole(path)
    headless = content.lstrip(b' "').startswith(b"Genotype(")
    frame = _headless(content, path) if headless else parse_table(content, path)
    return {NAME: tidy(frame, path, SPACE)}


def _headless(content: bytes, path: Path) -> pd.DataFrame:
    rows = []
    try:
        for row in csv.reader(io.StringIO(content.decode("utf-8"))):
            arch, accuracy = row
            rows.append((arch, float(accuracy)))
    except (ValueError, csv.Error) as error:
        reason = (str(error).splitlines() or ["it is broken"])[0]
        raise damaged(path, f"is broken in row {len(rows) + 1} ({reason})") from None
    return pd.DataFrame(rows, columns=["arch", METRIC])


BENCHMARKS.add(
    NAME,
    Benchmark(
        name=NAME,
        space=SPACE,
        metrics={
            METRIC: Metric(
                name=METRIC,
                description="top-1 validation accuracy on CIFAR-10 after 200 epochs, percent",
                split="validation images of CIFAR-10",
                epochs=200,
            )
        },
        load=partial(load_table, NAME),
        description="validation accuracies of 1,000 DARTS networks on CIFAR-10",
        source=SOURCE,
        licence=LICENCE,
        published=NAME,
    ),
)

PUBLISHED.add(
    NAME,
    Published(
        name=NAME,
        urls=(
            "https://raw.githubusercontent.com/pym1024/SWAP/"
            "f6049f7c979b0cfc9ac5a13666fedb79dfe3cce8/datasets/DARTS_archs_CIFAR10.csv",
        ),
        sha256="d28d263aa7dd4103b6a1da1775b1b03ae16ffd2516409ca3bd493c8784abe6b0",
        filename="DARTS_archs_CIFAR10.csv",
        megabytes=0.4,
        read=read,
        benchmarks=(NAME,),
        description="1,000 DARTS genotypes and their accuracy",
        source=SOURCE,
        licence=LICENCE,
    ),
)
