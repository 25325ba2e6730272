"""NAS-Bench-Suite-Zero: validation accuracies, beside published scores of zero-cost proxies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, Metric
from gradalign.benchmarks._cache import load_table
from gradalign.benchmarks._formats.suite_zero import (
    ACCURACY,
    nb101_arch,
    nb201_arch,
    read_suite_zero,
)
from gradalign.benchmarks._formats.tables import add_hashes, is_table, read_table, tidy
from gradalign.benchmarks._published import PUBLISHED, Published

SOURCE = (
    "Krishnakumar et al., NAS-Bench-Suite-Zero, NeurIPS 2022 (arXiv 2210.03230); "
    "github.com/automl/NASLib, branch zerocost"
)
LICENCE = "Apache-2.0"

CIFAR10 = "cifar10"


@dataclass(frozen=True, kw_only=True)
class _File:
    """One of the published files.

    Args:
        space: Name of the space.
        filename: Name at its source.
        drive: Its identifier at Google Drive, where it is published.
        megabytes: About how large it is.
        spelled: From a tuple's text to the space's spelling.
        datasets: Data sets, or tasks, whose accuracies are metrics; the first is the default.
        described: Name of the benchmark that the accuracies are of, and their split.
        epochs: How long each network was trained.
    """

    space: str
    filename: str
    drive: str
    megabytes: float
    spelled: Callable[[str], str]
    datasets: tuple[str, ...]
    described: tuple[str, str]
    epochs: int | None

    @property
    def name(self) -> str:
        """Name of the table."""
        return f"suite_zero_{self.space}"

    @property
    def by_canonical(self) -> bool:
        """Whether isomorphic spellings are one network."""
        return self.space == "nb101"

    def read(self, path: Path) -> Mapping[str, pd.DataFrame]:
        """The table in the published JSON, or in a Parquet or CSV file with a column `arch`."""
        frame = read_table(path) if is_table(path) else read_suite_zero(path, self.spelled)
        found = tidy(frame, path, self.space)
        return {self.name: add_hashes(found, path, self.space) if self.by_canonical else found}


FILES = (
    _File(
        space="nb201",
        filename="zc_nasbench201.json",
        drive="1R7n7GpFHAjUZpPISzbhxH0QjubnvZM5H",
        megabytes=60,
        spelled=nb201_arch,
        datasets=(CIFAR10, "cifar100", "ImageNet16-120"),
        described=("NAS-Bench-201", "validation images of NAS-Bench-201"),
        epochs=200,
    ),
    _File(
        space="nb101",
        filename="zc_nasbench101.json",
        drive="1Rkse44EWgYdBS34iyhjSs9Y2l0fxPCpU",
        megabytes=15,
        spelled=nb101_arch,
        datasets=(CIFAR10,),
        described=("NAS-Bench-101", "trained on 40,000 training images, the other 10,000"),
        epochs=108,
    ),
    _File(
        space="transnas_micro",
        filename="zc_transbench101_micro.json",
        drive="1SBOVAyhLCBTAJiU_fo7hLRknNrGNqFk7",
        megabytes=40,
        spelled=str,
        datasets=("class_object", "class_scene", "jigsaw"),
        described=("TransNAS-Bench-101, micro", "validation images of Taskonomy"),
        epochs=None,
    ),
    _File(
        space="transnas_macro",
        filename="zc_transbench101_macro.json",
        drive="1teH8JcQsamZngUD_DMQyNkCoUYYSTM0M",
        megabytes=30,
        spelled=str,
        datasets=("class_object", "class_scene", "jigsaw"),
        described=("TransNAS-Bench-101, macro", "validation images of Taskonomy"),
        epochs=None,
    ),
)


def _benchmark(file: _File) -> Benchmark:
    of, split = file.described
    metrics = [
        Metric(
            name=f"{dataset}_{ACCURACY}",
            description=f"top-1 validation accuracy on {dataset}, percent",
            split=split,
            epochs=file.epochs,
        )
        for dataset in file.datasets
    ]
    return Benchmark(
        name=file.name,
        space=file.space,
        metrics={metric.name: metric for metric in metrics},
        load=partial(load_table, file.name),
        description=f"networks of {of} with published scores of zero-cost proxies",
        source=SOURCE,
        licence=LICENCE,
        published=file.name,
        by_canonical=file.by_canonical,
    )


def _published(file: _File) -> Published:
    query = f"id={file.drive}&export=download&confirm=t"
    return Published(
        name=file.name,
        urls=(f"https://drive.usercontent.google.com/download?{query}",),
        sha256=None,
        filename=file.filename,
        megabytes=file.megabytes,
        read=file.read,
        benchmarks=(file.name,),
        description=f"NAS-Bench-Suite-Zero's file for {file.described[0]}",
        source=SOURCE,
        licence=LICENCE,
    )


for _file in FILES:
    BENCHMARKS.add(_file.name, _benchmark(_file))
    PUBLISHED.add(_file.name, _published(_file))
