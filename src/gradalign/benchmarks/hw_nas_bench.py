"""HW-NAS-Bench: latency and energy of NAS-Bench-201 networks on seven devices."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, Metric
from gradalign.benchmarks._cache import load_table
from gradalign.benchmarks._formats.tables import is_table, read_table, tidy
from gradalign.benchmarks._published import PUBLISHED, Published
from gradalign.errors import InputError

NAME = "hw_nas_bench"
SPACE = "nb201"
INDEX = "nb201_index"

MEASURED = {
    "edgegpu_latency": "latency on an NVIDIA Jetson TX2, ms",
    "edgegpu_energy": "energy on an NVIDIA Jetson TX2, mJ",
    "raspi4_latency": "latency on a Raspberry Pi 4, ms",
    "edgetpu_latency": "latency on a Google Edge TPU, ms",
    "pixel3_latency": "latency on a Google Pixel 3, ms",
    "eyeriss_latency": "latency on the accelerator Eyeriss, simulated, ms",
    "eyeriss_energy": "energy on the accelerator Eyeriss, simulated, mJ",
    "fpga_latency": "latency on a Xilinx ZC706 FPGA, ms",
    "fpga_energy": "energy on a Xilinx ZC706 FPGA, mJ",
}

SOURCE = "Li et al., HW-NAS-Bench, ICLR 2021 (arXiv 2103.10584); github.com/GATECH-EIC/HW-NAS-Bench"
LICENCE = "MIT"


def read(path: Path) -> Mapping[str, pd.DataFrame]:
    """The table in a Parquet or CSV file with a column `nb201_index` or `arch`.

    Raises:
        InputError: Another file, such as the published pickle, or an index without a known cell.
    """
    if not is_table(path):
        raise InputError(
            f"{str(path)!r} is neither .csv nor .parquet: the published pickle is never opened, "
            f"give its figures as a table with the columns {INDEX}, {', '.join(MEASURED)}"
        )
    frame = read_table(path)
    if "arch" not in frame.columns and INDEX in frame.columns:
        frame = frame.assign(arch=_cells(frame[INDEX], path))
    return {NAME: tidy(frame.drop(columns=INDEX, errors="ignore"), path, SPACE)}


def _cells(indices: "pd.Series[int]", path: Path) -> "pd.Series[str]":
    """The cells of official indices, as far as the table of accuracies at hand knows them."""
    known = BENCHMARKS[SPACE].load().set_index("index")["arch"]  # anew: it may have grown
    cells = indices.map(known)
    if absent := int(cells.isna().sum()):
        raise InputError(
            f"{str(path)!r} names {absent:,} cells by an {INDEX} of which the table {SPACE!r} at "
            f"hand knows nothing: first gradalign data fetch {SPACE}, which has all 15,625"
        )
    return cells


BENCHMARKS.add(
    NAME,
    Benchmark(
        name=NAME,
        space=SPACE,
        metrics={
            name: Metric(
                name=name,
                description=f"{what}, for inputs of CIFAR-10",
                split="no images: it depends on their size alone",
                better="lower",
            )
            for name, what in MEASURED.items()
        },
        load=partial(load_table, NAME),
        description="latency and energy of NAS-Bench-201 networks on seven devices",
        source=SOURCE,
        licence=LICENCE,
        published=NAME,
    ),
)

PUBLISHED.add(
    NAME,
    Published(
        name=NAME,
        urls=(),
        sha256=None,
        filename="hw_nas_bench.csv",
        megabytes=2,
        read=read,
        benchmarks=(NAME,),
        description="the figures of HW-NAS-Bench, published as a pickle only, as a table",
        source=SOURCE,
        licence=LICENCE,
    ),
)
