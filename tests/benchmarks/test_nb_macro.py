"""NAS-Bench-Macro's JSON."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.benchmarks import samples

from gradalign.benchmarks import nb_macro as module
from gradalign.errors import InputError

DATA = os.environ.get("GRADALIGN_DATA")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nas-bench-macro_cifar10.json"


def read(path, content):
    path.write_bytes(content)
    return module.read(path)["nb_macro"]


def test_the_table(path):
    frame = read(path, samples.nb_macro())
    assert list(frame["arch"]) == ["00000000", "02012100", "22222222"]
    assert list(frame["test_accuracy"]) == [45.5, 46.5, 47.5]
    assert list(frame["test_accuracy_sd"]) == [1.0] * 3
    assert list(frame["params"]) == [387_882] * 3
    assert list(frame["test_accuracy_run_1"]) == [44.5, 45.5, 46.5]
    assert list(frame["test_accuracy_run_3"]) == [46.5, 47.5, 48.5]


def test_lookup_and_a_table_of_ones_own(path, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    own = tmp_path / "own.csv"
    read(path, samples.nb_macro()).to_csv(own, index=False)
    benchmark = samples.stored("nb_macro", "nb_macro", module.read(own)["nb_macro"])
    assert list(benchmark.metrics) == ["test_accuracy"]
    assert benchmark.runs("test_accuracy") == tuple(f"test_accuracy_run_{k}" for k in (1, 2, 3))
    assert benchmark.row("macro:02012100") == {"test_accuracy": 46.5}
    assert "00000001" not in benchmark


def test_a_table_without_trainings(path, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    frame = read(path, changed(test_acc=[49.0, 50.0, 52.0]))  # another mean
    assert not [name for name in frame.columns if "run" in name]
    assert samples.stored("nb_macro", "nb_macro", frame).runs("test_accuracy") == ()


def changed(**values):
    return json.dumps({"02012100": samples.nb_macro_record(50.0) | values}).encode()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"[]", "holds no architectures"),
        (b"{}", "has no rows"),
        (b'{"02012100": 5}', "no number 'mean_acc' in 02012100"),
        (changed(mean_acc="50"), "no number 'mean_acc'"),
        (changed(params=True), "no number 'params'"),
        (changed(mean_acc=float("nan")), "no finite 'mean_acc'"),
        (changed(mean_acc=10**400), "no finite 'mean_acc'"),
        (json.dumps({"02012103": samples.nb_macro_record(5.0)}).encode(), "malformed macro"),
        (b"[" * 100_000, "nested without end"),
        (samples.nb_macro()[:-4], "is no JSON"),
    ],
)
def test_anything_else_is_refused(path, content, fault):
    with pytest.raises(InputError, match=fault) as error:
        read(path, content)
    assert "\n" not in str(error.value)


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_real_values(path):
    known = pd.read_parquet(Path(DATA or "") / "nb_macro_dev.parquet")
    names = {"mean_acc": "mean_acc", "std": "std", "params": "params", "flops": "flops"}
    records = known.set_index("arch")[[*names]].to_dict("index")
    frame = read(path, json.dumps(records).encode())
    assert list(frame["arch"]) == list(known["arch"])
    np.testing.assert_array_equal(frame["test_accuracy"], known["mean_acc"])


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_real_trainings():
    source = Path(DATA or "") / "nb_macro_dev.parquet"
    known, frame = pd.read_parquet(source), module.read(source)["nb_macro"]
    names = [f"test_accuracy_run_{k}" for k in (1, 2, 3)]
    np.testing.assert_allclose(frame[names].mean(axis=1), known["mean_acc"], rtol=1e-6)
    np.testing.assert_array_equal(frame[names], [*known["test_acc_seeds"]])
