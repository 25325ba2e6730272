"""All of NAS-Bench-201 from its CSV file, joined with the rows that are embedded."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.benchmarks import samples

from gradalign.benchmarks import get_benchmark
from gradalign.benchmarks import nb201 as module
from gradalign.errors import InputError

DATA = os.environ.get("GRADALIGN_DATA")
METRICS = ["cifar10", "cifar100", "imagenet16-120", "cifar10_12epochs"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nats_bench.csv"


def read(path, content):
    path.write_bytes(content)
    return module.read(path)["nb201"]


def test_the_row_is_the_official_index(path):
    frame = read(path, samples.nats_bench())
    assert list(frame["index"]) == [0, 1]
    assert list(frame["arch"]) == list(samples.CELLS)
    assert list(frame["cifar10"]) == [80.123457, 81.123457]  # six decimals, as embedded
    assert list(frame["cifar100"]) == [50.5, 51.5]
    assert list(frame["imagenet16-120"]) == [30.25, 31.25]


def test_imported_rows_win_and_the_others_stay(path):
    before = get_benchmark("nb201").frame.set_index("arch")
    first, second = samples.CELLS
    assert first in before.index
    assert second not in before.index
    benchmark = samples.stored("nb201", "nb201", read(path, samples.nats_bench()))
    after = benchmark.frame
    assert list(after.columns) == ["index", "arch", *METRICS]
    assert after["index"].is_monotonic_increasing
    assert len(after) == len(benchmark) == 5_001
    rows = after.set_index("arch")
    assert rows.loc[first, "cifar10"] == 80.123457
    # what the file does not have comes from the embedded row, or is missing
    assert rows.loc[first, "cifar10_12epochs"] == before.loc[first, "cifar10_12epochs"]
    assert np.isnan(benchmark.row(second)["cifar10_12epochs"])
    untouched = before.index.drop(first)
    pd.testing.assert_frame_equal(
        rows.loc[untouched], before.loc[untouched], check_dtype=False, check_names=False
    )


def test_the_embedded_rows_alone_are_at_hand():
    assert get_benchmark("nb201").at_hand
    assert len(module._load()) == 5_000


def test_a_table_of_ones_own(tmp_path):
    own = tmp_path / "own.csv"
    own.write_text(f"arch,cifar10\nnb201:{samples.CELLS[1]},12.5\n")
    benchmark = samples.stored("nb201", "nb201", module.read(own)["nb201"])
    assert len(benchmark) == 5_001
    row = benchmark.row(samples.CELLS[1])
    assert row["cifar10"] == 12.5
    assert np.isnan(row["cifar100"])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (samples.nats_bench() + samples.nats_bench().splitlines()[1] + b"\n", "stands in row 1"),
        (samples.nats_bench().replace(b"|none~0|+", b"|noone~0|+"), "row 2: malformed nb201"),
        (samples.nats_bench().replace(b"ArchitectureString", b"Architecture"), "'arch'"),
        (samples.nats_bench().splitlines()[0] + b"\n", "has no rows"),
    ],
)
def test_anything_else_is_refused(path, content, fault):
    with pytest.raises(InputError, match=fault) as error:
        read(path, content)
    assert "\n" not in str(error.value)


def test_more_rows_than_cells_are_refused(path):
    header, row, *_ = samples.nats_bench().splitlines()
    with pytest.raises(InputError, match="15,626 rows, and there are 15,625 cells"):
        read(path, b"\n".join([header, *[row] * 15_626]))


def test_the_official_archives_are_not_opened(tmp_path):
    with pytest.raises(InputError, match="only the package nats_bench reads"):
        module.read(tmp_path / "NATS-tss-v1_0-3ffb9-simple.tar")


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_a_real_file():
    path = Path(DATA or "").parent / "raw" / "nats_bench_head.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside GRADALIGN_DATA")
    frame = module.read(path)["nb201"].set_index("index")
    assert len(frame) == 400
    known = pd.read_parquet(Path(DATA or "") / "nb201_dev.parquet").set_index("nb201_index")
    both = known.index.intersection(frame.index)
    assert len(both) > 100
    assert (known.loc[both, "arch"] == frame.loc[both, "arch"]).all()
    columns = ("cifar10_test", "cifar100_test", "imagenet16_test")
    for metric, column in zip(METRICS[:3], columns, strict=True):
        np.testing.assert_allclose(
            frame.loc[both, metric], known.loc[both, column], rtol=0, atol=6e-7
        )
