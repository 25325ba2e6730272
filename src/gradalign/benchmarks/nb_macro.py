"""NAS-Bench-Macro: test accuracies of all 6,561 networks of eight blocks."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, Metric
from gradalign.benchmarks._cache import load_table
from gradalign.benchmarks._formats.files import damaged, read_whole
from gradalign.benchmarks._formats.plain_json import number, parse_json
from gradalign.benchmarks._formats.tables import (
    is_table,
    metric_columns,
    read_table,
    run_columns,
    spread_runs,
    tidy,
)
from gradalign.benchmarks._published import PUBLISHED, Published

NAME = "nb_macro"
SPACE = "macro"

ACCURACY = "test_accuracy"

COLUMNS = {
    "mean_acc": ACCURACY,
    "std": "test_accuracy_sd",
    "params": "params",
    "flops": "flops",
}

SOURCE = (
    "Su et al., Prioritized Architecture Sampling with Monto-Carlo Tree Search, CVPR 2021 "
    "(arXiv 2103.11922); github.com/xiusu/NAS-Bench-Macro"
)
LICENCE = "Apache-2.0"


def read(path: Path) -> Mapping[str, pd.DataFrame]:
    """The table in the published JSON, or in a Parquet or CSV file with a column `arch`.

    `mean_acc` counts as `test_accuracy` there too. Where there is a list of the trainings behind
    it, the table has a column for each.

    Raises:
        InputError: A damaged file, or another table.
    """
    if is_table(path):
        return {NAME: _tidy(read_table(path).rename(columns=COLUMNS), path)}
    content = parse_json(read_whole(path), path)
    if not isinstance(content, dict):
        raise damaged(path, "holds no architectures of NAS-Bench-Macro")
    rows = [
        {
            "arch": arch,
            **{own: number(record, key, arch, path) for key, own in COLUMNS.items()},
            "trainings": record.get("test_acc"),
        }
        for arch, record in content.items()
    ]
    return {NAME: _tidy(pd.DataFrame(rows, columns=["arch", *COLUMNS.values(), "trainings"]), path)}


def _tidy(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table with a column a training, where it holds the trainings behind the accuracy."""
    metrics = [ACCURACY] if ACCURACY in metric_columns(frame, path) else []
    return tidy(spread_runs(frame, metrics)[0], path, SPACE)


BENCHMARKS.add(
    NAME,
    Benchmark(
        name=NAME,
        space=SPACE,
        metrics={
            ACCURACY: Metric(
                name=ACCURACY,
                description="top-1 test accuracy on CIFAR-10 at the best of 50 epochs, percent",
                split="trained on all 50,000 training images, the 10,000 test images",
                epochs=50,
                seeds="3",
                runs=run_columns(ACCURACY, 3),
            )
        },
        load=partial(load_table, NAME),
        description="test accuracies of the 6,561 networks of NAS-Bench-Macro",
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
            "https://raw.githubusercontent.com/xiusu/NAS-Bench-Macro/"
            "61a2bfc2ca0dce04d0997e6cf498047c27d6acf2/data/nas-bench-macro_cifar10.json",
        ),
        sha256="686dee8363cc21cca8c1f321ad5749454f2d9b9ca5972682e137e539bc522297",
        filename="nas-bench-macro_cifar10.json",
        megabytes=1.5,
        read=read,
        benchmarks=(NAME,),
        description="the networks of NAS-Bench-Macro on CIFAR-10",
        source=SOURCE,
        licence=LICENCE,
    ),
)
