"""HW-NAS-Bench: latencies by official index, as a table; its pickle is left alone."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.benchmarks import samples

from gradalign.benchmarks import get_benchmark
from gradalign.benchmarks import hw_nas_bench as module
from gradalign.errors import InputError

DATA = os.environ.get("GRADALIGN_DATA")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "latencies.csv"


def read(path, content):
    path.write_bytes(content)
    return module.read(path)["hw_nas_bench"]


def test_the_table(path):
    frame = read(path, samples.hw_nas_bench())
    cells = get_benchmark("nb201").frame.set_index("index")["arch"]
    assert list(frame["arch"]) == [cells[0], cells[2]]
    assert list(frame["edgegpu_latency"]) == [5.8, 6.5]
    assert list(frame.columns) == ["arch", "edgegpu_latency", "fpga_energy"]


def test_lookup(path):
    frame = read(path, samples.hw_nas_bench())
    benchmark = samples.stored("hw_nas_bench", "hw_nas_bench", frame)
    row = benchmark.row(f"nb201:{samples.CELLS[0]}")
    assert row["edgegpu_latency"] == 5.8
    assert np.isnan(row["raspi4_latency"])
    assert {metric.better for metric in benchmark.metrics.values()} == {"lower"}


def test_an_index_without_a_known_cell(path):
    absent = sorted(set(range(20)) - set(get_benchmark("nb201").frame["index"]))[0]
    with pytest.raises(InputError, match=r"names 1 cells by .* gradalign data fetch nb201"):
        read(path, samples.hw_nas_bench() + f"{absent},1,2\n".encode())


def test_cells_by_name_need_no_index(path):
    frame = read(path, f"arch,edgegpu_latency\n{samples.CELLS[1]},5\n".encode())
    assert list(frame["arch"]) == [samples.CELLS[1]]


def test_the_pickle_is_not_opened(tmp_path):
    path = tmp_path / "HW-NAS-Bench-v1_0.pickle"
    path.write_bytes(samples.pickled(tmp_path / "made"))
    with pytest.raises(InputError, match="the published pickle is never opened"):
        module.read(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_real_latencies():
    source = Path(DATA or "") / "nb201_latency_dev.parquet"
    raw = pd.read_parquet(source)
    frame = module.read(source)["hw_nas_bench"]
    cells = get_benchmark("nb201").frame.set_index("index")["arch"]
    assert list(frame["arch"]) == list(cells.loc[raw["nb201_index"]])
    assert set(module.MEASURED) <= set(raw.columns)
