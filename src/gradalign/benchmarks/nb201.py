"""NAS-Bench-201: accuracies of 5,000 of its 15,625 networks, embedded in the package."""

import hashlib
import importlib.resources
import io

import pandas as pd

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, EarlyStopped, Metric
from gradalign.errors import GradalignError

FILE = "nb201.parquet"
CHECKSUM = "abf9106ed70de770bbd17f1cc09a38ac61fe6c81fe197a9f31e3ef2cbc458bd9"


def _load() -> pd.DataFrame:
    """Columns `index` (the official one), `arch`, and one for each metric; in percent."""
    content = (importlib.resources.files("gradalign.benchmarks") / FILE).read_bytes()
    if hashlib.sha256(content).hexdigest() != CHECKSUM:
        raise GradalignError(f"the embedded table {FILE!r} is damaged: install gradalign anew")
    return pd.read_parquet(io.BytesIO(content))


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
        source="facts of NAS-Bench-201: Dong & Yang, ICLR 2020 (arXiv 2001.00326)",
        licence="MIT",
        checksum=CHECKSUM,
    ),
)
