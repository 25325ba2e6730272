"""NAS-Bench-101: accuracies of 423,624 modules, three trainings at each of up to four budgets."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, EarlyStopped, Metric
from gradalign.benchmarks._cache import load_table
from gradalign.benchmarks._formats.files import damaged
from gradalign.benchmarks._formats.nasbench101 import module_json, read_nasbench101
from gradalign.benchmarks._formats.tables import add_hashes, is_table, read_table, tidy
from gradalign.benchmarks._published import PUBLISHED, Published

NAME = "nb101"
BUDGETS = (4, 12, 36, 108)

SOURCE = "Ying et al., NAS-Bench-101, ICML 2019 (arXiv 1902.09635); google-research/nasbench"
LICENCE = "Apache-2.0"


def read(path: Path) -> Mapping[str, pd.DataFrame]:
    """The table in the published TFRecord, or in a Parquet or CSV file.

    A Parquet or CSV file has a column `arch`, or `adjacency` (row by row, 0s and 1s) and `ops`
    (between commas); `test_accuracy_mean` counts as `test_accuracy`.

    Raises:
        InputError: A damaged file, or another table.
    """
    if not is_table(path):
        return {NAME: read_nasbench101(path)}
    frame = read_table(path).rename(columns={"test_accuracy_mean": "test_accuracy"})
    if "arch" not in frame.columns and {"adjacency", "ops"} <= set(frame.columns):
        frame["arch"] = [
            _arch(adjacency, operations, path)
            for adjacency, operations in zip(frame["adjacency"], frame["ops"], strict=True)
        ]
    return {NAME: add_hashes(tidy(frame, path, NAME), path, NAME)}


def _arch(adjacency: object, operations: object, path: Path) -> str:
    try:
        return module_json(str(adjacency), str(operations))
    except ValueError as fault:
        raise damaged(path, f"holds a module with {fault}") from None


def _metric(name: str, split: str, epochs: int) -> Metric:
    images = {"test": "the 10,000 test images", "validation": "the other 10,000 training images"}
    return Metric(
        name=name,
        description=f"top-1 {split} accuracy on CIFAR-10 after {epochs} epochs, percent",
        split=f"trained on 40,000 training images, {images[split]}",
        epochs=epochs,
        seeds="3",
    )


FINAL = tuple(_metric(f"{split}_accuracy", split, BUDGETS[-1]) for split in ("test", "validation"))

EACH = tuple(
    _metric(f"{split}_accuracy_{epochs}", split, epochs)
    for epochs in BUDGETS
    for split in ("test", "validation")
)

SHORT = EarlyStopped(
    metric="validation_accuracy_12", trained_on="CIFAR-10", epochs=12, full_epochs=BUDGETS[-1]
)

BENCHMARKS.add(
    NAME,
    Benchmark(
        name=NAME,
        space=NAME,
        metrics={metric.name: metric for metric in (*FINAL, *EACH)},
        load=partial(load_table, NAME),
        early_stopped={FINAL[0].name: SHORT},
        description="accuracies of the 423,624 modules of NAS-Bench-101",
        source=SOURCE,
        licence=LICENCE,
        published=NAME,
        by_canonical=True,
    ),
)

for _name, _file, _megabytes, _what in (
    (NAME, "nasbench_only108.tfrecord", 499, "trainings of 108 epochs"),
    (f"{NAME}_full", "nasbench_full.tfrecord", 1950, "trainings of 4, 12, 36 and 108 epochs"),
):
    PUBLISHED.add(
        _name,
        Published(
            name=_name,
            urls=(f"https://storage.googleapis.com/nasbench/{_file}",),
            sha256=None,
            filename=_file,
            megabytes=_megabytes,
            read=read,
            benchmarks=(NAME,),
            description=f"the modules of NAS-Bench-101, {_what}",
            source=SOURCE,
            licence=LICENCE,
        ),
    )
