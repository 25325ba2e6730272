"""NAS-Bench-201: accuracies of 5,000 of its 15,625 networks, embedded in the package."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from gradalign.benchmarks import _cache
from gradalign.benchmarks._base import BENCHMARKS, Benchmark, EarlyStopped, Metric
from gradalign.benchmarks._embedded import embedded_table
from gradalign.benchmarks._formats.files import damaged
from gradalign.benchmarks._formats.nats_bench_csv import from_nats_bench, is_nats_bench
from gradalign.benchmarks._formats.tables import is_table, read_table, tidy
from gradalign.benchmarks._published import PUBLISHED, Published

FILE = "nb201.parquet"
CHECKSUM = "abf9106ed70de770bbd17f1cc09a38ac61fe6c81fe197a9f31e3ef2cbc458bd9"

SOURCE = "facts of NAS-Bench-201: Dong & Yang, ICLR 2020 (arXiv 2001.00326)"
LICENCE = "MIT"


def read(path: Path) -> Mapping[str, pd.DataFrame]:
    """The table in the published CSV file, or in a Parquet or CSV file with a column `arch`.

    Raises:
        InputError: A damaged file, or another table.
    """
    if not is_table(path):
        raise damaged(
            path,
            "is neither .csv nor .parquet (the official archives of NATS-Bench are pickles, which "
            "only the package nats_bench reads)",
        )
    frame = read_table(path)
    if is_nats_bench(frame):
        return {"nb201": from_nats_bench(frame, path)}
    return {"nb201": tidy(frame, path, "nb201")}


def _load() -> pd.DataFrame:
    """Columns `index` (the official one), `arch`, and one for each metric; in percent.

    The embedded rows and those of the table in the cache: where both have a value, the cache's.
    """
    embedded = embedded_table(FILE, CHECKSUM)
    if not _cache.at_hand("nb201"):
        return embedded
    stored = _cache.load_table("nb201").set_index("arch")
    table = stored.combine_first(embedded.set_index("arch")).reset_index()
    others = [name for name in table.columns if name not in embedded.columns]
    return table.sort_values("index", ignore_index=True)[[*embedded.columns, *others]]


SHORT = Metric(
    name="cifar10_12epochs",
    description="top-1 test accuracy on CIFAR-10 after 12 epochs, percent",
    split="trained on all 50,000 training images, the 10,000 test images",
    epochs=12,
    seeds="1",
)


def _final(name: str, data: str, split: str) -> Metric:
    description = f"top-1 test accuracy on {data} after 200 epochs, percent"
    return Metric(name=name, description=description, split=split, epochs=200, seeds="1 to 3")


FINAL = (
    _final("cifar10", "CIFAR-10", "trained on all 50,000 training images, the 10,000 test images"),
    _final("cifar100", "CIFAR-100", "trained on all 50,000 training images, 5,000 test images"),
    _final(
        "imagenet16-120",
        "ImageNet16-120",
        "trained on all 151,700 training images, 3,000 test images",
    ),
)

BENCHMARKS.add(
    "nb201",
    Benchmark(
        name="nb201",
        space="nb201",
        metrics={metric.name: metric for metric in (*FINAL, SHORT)},
        load=_load,
        early_stopped={
            metric.name: EarlyStopped(
                metric=SHORT.name, trained_on="CIFAR-10", epochs=12, full_epochs=200
            )
            for metric in FINAL
        },
        description="test accuracies of 5,000 of the 15,625 networks of NAS-Bench-201",
        source=SOURCE,
        licence=LICENCE,
        checksum=CHECKSUM,
        published="nb201",
        embedded=True,
    ),
)

PUBLISHED.add(
    "nb201",
    Published(
        name="nb201",
        urls=(
            "https://raw.githubusercontent.com/v-tao/nats-bench-landscape/"
            "b307ae5fe6e8d7043cd4fe7d1c3532288271adb7/nats_bench.csv",
        ),
        sha256="cb5d777ec3368be83c8f9b3aa4d520696051cb0eb8d94b8f85b519f9ea4afa3e",
        filename="nats_bench.csv",
        megabytes=3.1,
        read=read,
        benchmarks=("nb201",),
        description="test accuracies after 200 epochs of all 15,625 networks of NAS-Bench-201",
        source=f"{SOURCE}; as github.com/v-tao/nats-bench-landscape has them",
        licence=LICENCE,
    ),
)
