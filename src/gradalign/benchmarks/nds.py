"""Network Design Spaces: networks of eleven spaces trained on CIFAR-10, some on ImageNet."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, Metric
from gradalign.benchmarks._cache import load_table
from gradalign.benchmarks._formats.files import read_whole
from gradalign.benchmarks._formats.nds import merged, parse_nds
from gradalign.benchmarks._formats.tables import add_hashes, is_table, read_archs
from gradalign.benchmarks._formats.zip_file import members
from gradalign.benchmarks._published import PUBLISHED, Published
from gradalign.errors import InputError

NAME = "nds"
SPACE = "nds"

MEMBERS = (
    *("Amoeba", "Amoeba_in", "NASNet", "NASNet_in"),
    *("DARTS", "DARTS_fix-w-d", "DARTS_in", "DARTS_lr-wd", "DARTS_lr-wd_in"),
    *("ENAS", "ENAS_fix-w-d", "ENAS_in", "PNAS", "PNAS_fix-w-d", "PNAS_in"),
    *("ResNeXt-A", "ResNeXt-A_in", "ResNeXt-B", "ResNeXt-B_in", "ResNet", "ResNet-B"),
    *("ResNet_lr-wd", "ResNet_lr-wd_in", "ResNet_reruns"),
    *("ResNet_rng1", "ResNet_rng2", "ResNet_rng3"),
    *("Vanilla", "Vanilla_lr-wd", "Vanilla_lr-wd_in", "Vanilla_reruns"),
    *("Vanilla_rng1", "Vanilla_rng2", "Vanilla_rng3"),
)
"""Files of the archive, without `.json`."""

SOURCE = (
    "Radosavovic et al., On Network Design Spaces for Visual Recognition, ICCV 2019 "
    "(arXiv 1905.13214); github.com/facebookresearch/nds"
)
LICENCE = "MIT (the repository; the figures' own is not stated)"


def _table(member: str) -> str:
    """Name of the table: `nds_darts_fix_w_d` for `DARTS_fix-w-d`."""
    return f"{NAME}_{member.lower().replace('-', '_')}"


TABLES = {_table(member): member for member in MEMBERS}


def read(path: Path) -> Mapping[str, pd.DataFrame]:
    """The tables in the published archive, in one of its JSON files, or in a table of one's own.

    A single file is told by its name, as in the archive; a Parquet or CSV file with a column
    `arch` by the name of the table, `nds_darts.csv`.

    An architecture that occurs several times, be it in an isomorphic spelling or with another
    auxiliary head, has one row: the mean of its trainings; where learning rate and weight decay
    were drawn too (`_lr_wd`), the training with the highest test accuracy.

    Raises:
        InputError: A damaged file, or one of another name.
    """
    if is_table(path):
        table = _known(path.stem.lower(), path)
        return {table: add_hashes(read_archs(path, SPACE), path, SPACE)}
    if path.suffix.lower() == ".json":
        return {_known(_table(path.stem), path): _parsed(read_whole(path), path, path.stem)}
    found = {}
    for name, content in members(path, ".json"):
        if _table(name.stem) in TABLES:
            found[_table(name.stem)] = _parsed(content, path / name.name, name.stem)
    if not found:
        raise InputError(f"{str(path)!r} holds none of {MEMBERS[0]}.json, ...: give nds's data.zip")
    return found


def _parsed(content: bytes, path: Path, member: str) -> pd.DataFrame:
    trainings = parse_nds(content, path, SPACE)
    return merged(trainings, "best" if "lr-wd" in member else "mean")


def _known(table: str, path: Path) -> str:
    if table not in TABLES:
        raise InputError(
            f"{str(path)!r} has the name of no table of {NAME}: "
            f"rename it as in the archive, one of {', '.join(MEMBERS)} and .json, or as a table, "
            f"{_table(MEMBERS[0])}.csv"
        )
    return table


def _metrics(member: str) -> list[Metric]:
    on_imagenet = member.endswith("_in")
    data = "ImageNet" if on_imagenet else "CIFAR-10"
    repeats = (
        "1, the best of those with other learning rates and weight decays"
        if "lr-wd" in member
        else "1, or the mean of as many as `trainings` says"
    )
    return [
        Metric(
            name=f"{split}_accuracy",
            description=f"top-1 {split} accuracy on {data} after the last epoch, percent",
            split=f"{images} images of {data}",
            epochs=None if on_imagenet else 100,
            seeds=repeats,
        )
        for split, images in (
            ("test", "validation" if on_imagenet else "test"),
            ("train", "training"),
        )
    ]


for _name, _member in TABLES.items():
    BENCHMARKS.add(
        _name,
        Benchmark(
            name=_name,
            space=SPACE,
            metrics={metric.name: metric for metric in _metrics(_member)},
            load=partial(load_table, _name),
            description=f"accuracies of the networks in {_member}.json of Network Design Spaces",
            source=SOURCE,
            licence=LICENCE,
            published=NAME,
            by_canonical=True,
        ),
    )

PUBLISHED.add(
    NAME,
    Published(
        name=NAME,
        urls=("https://dl.fbaipublicfiles.com/nds/data.zip",),
        sha256=None,
        filename="data.zip",
        megabytes=500,
        read=read,
        benchmarks=tuple(TABLES),
        description="over 100,000 networks of eleven spaces with their training curves",
        source=SOURCE,
        licence=LICENCE,
    ),
)
