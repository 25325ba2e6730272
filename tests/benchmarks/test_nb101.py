"""NAS-Bench-101: its records, its table, and modules found by hash."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.benchmarks import samples

from gradalign.benchmarks import BENCHMARKS
from gradalign.benchmarks import nb101 as module
from gradalign.benchmarks._published import PUBLISHED
from gradalign.errors import InputError
from gradalign.spaces import get_space

DATA = os.environ.get("GRADALIGN_DATA")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nasbench.tfrecord"


def read(path, content):
    path.write_bytes(content)
    return module.read(path)["nb101"]


def test_the_table(path):
    frame = read(path, samples.nb101())
    assert list(frame["hash"]) == list(samples.MODULES)
    assert json.loads(frame["arch"][0]) == {
        "matrix": [[0, 1, 1], [0, 0, 1], [0, 0, 0]],
        "ops": ["input", "conv3x3-bn-relu", "output"],
    }
    space = get_space("nb101")
    assert all(space.format(space.parse(arch)) == arch for arch in frame["arch"])
    assert list(frame["params"]) == [1000, 1001]
    for budget in samples.BUDGETS:
        for row in (0, 1):
            test = np.mean([samples.nb101_test(row, budget, repeat) for repeat in range(3)])
            assert frame[f"test_accuracy_{budget}"][row] == pytest.approx(100 * test)
            assert frame[f"validation_accuracy_{budget}"][row] == pytest.approx(100 * test + 1)
        assert list(frame[f"training_seconds_{budget}"]) == [10.0 * budget] * 2
        assert list(frame[f"repeats_{budget}"]) == [3, 3]
    pd.testing.assert_series_equal(
        frame["test_accuracy"], frame["test_accuracy_108"], check_names=False
    )
    pd.testing.assert_series_equal(
        frame["validation_accuracy"], frame["validation_accuracy_108"], check_names=False
    )


def test_the_order_of_records_does_not_matter(path):
    records = samples.nb101_records()
    straight = read(path, samples.tfrecord(records)).set_index("hash")
    turned = read(path, samples.tfrecord(records[::-1])).set_index("hash")
    pd.testing.assert_frame_equal(turned.loc[straight.index], straight)


def test_a_module_without_one_of_the_budgets_has_no_value_there(path):
    frame = read(path, samples.tfrecord(samples.nb101_records()[:9]))  # without module 1 at 108
    assert list(frame["test_accuracy_108"].isna()) == [False, True]
    assert frame["test_accuracy_4"].notna().all()


def record(**changes):
    given = {
        "form": "a" * 32,
        "epochs": 4,
        "adjacency": "0100",
        "operations": "input,output",
        "message": samples.metrics(0.5, 4, 10),
    }
    return samples.nb101_record(**(given | changes))


NO_TEST = samples.field(1, samples.field(4, 0.5) + samples.field(2, 1.0)) + samples.field(2, 10)
NOT_A_NUMBER = samples.field(1, samples.evaluation(4.0, 1.0, 0.1, 0.2, float("nan")))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"not json", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 20_000, "nested without end"),
        (b"9" * 5_000, "is no JSON"),
        (b'{"a": 1}', "no module of NAS-Bench-101 in record 1"),
        (b'["a", true, "0100", "input,output", ""]', "no accuracy"),
        (b'["a", 4, "0100", "input,output"]', "no module of"),
        (record(epochs=0), "no module of"),
        (record(epochs=10**9), "no module of"),
        (record(adjacency="010"), "no 2 x 2 matrix of 0s and 1s"),
        (record(adjacency="0120"), "no 2 x 2 matrix of 0s and 1s"),
        (record(message=b""), "no accuracy between 0 and 1"),
        (record(message=NO_TEST), "no accuracy between 0 and 1"),
        (record(message=NOT_A_NUMBER), "no accuracy between 0 and 1"),
        (record(message=samples.metrics(1.5, 4, 10)), "no accuracy between 0 and 1"),
        (record(message=samples.metrics(0.5, 4, 10)[:-3]), "is cut off"),
        (b'["a", 4, "0100", "input,output", "%%%"]', "base64"),
    ],
)
def test_a_record_that_is_none_is_refused(path, content, fault):
    with pytest.raises(InputError, match=fault) as error:
        read(path, samples.tfrecord([content]))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_module_with_two_numbers_of_parameters_is_refused(path):
    other = record(message=samples.metrics(0.5, 4, 11))
    with pytest.raises(InputError, match="two numbers of parameters"):
        read(path, samples.tfrecord([record(), other]))


def table_of_ones_own():
    return pd.DataFrame(
        {
            "hash": ["published", "hashes"],
            "adjacency": ["011001000", "0110001100010000"],
            "ops": ["input,conv3x3-bn-relu,output", "input,conv1x1-bn-relu,maxpool3x3,output"],
            "test_accuracy_mean": [90.5, 91.5],
            "params": [10, 20],
        }
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_modules_by_adjacency(tmp_path, suffix):
    path = tmp_path / f"own.{suffix}"
    table = table_of_ones_own()
    if suffix == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    frame = module.read(path)["nb101"]
    space = get_space("nb101")
    assert list(frame["hash"]) == [space.canonical(space.parse(arch)) for arch in frame["arch"]]
    assert list(frame["test_accuracy"]) == [90.5, 91.5]
    assert list(frame["params"]) == [10, 20]


def test_isomorphic_rows_are_refused(tmp_path):
    path = tmp_path / "own.csv"
    table = table_of_ones_own()
    table["adjacency"] = "0110000100010000"  # two operations side by side, in either order
    table["ops"] = [f"input,{ops},output" for ops in ("conv1x1-bn-relu,maxpool3x3",) * 2]
    table.to_csv(path, index=False)
    with pytest.raises(InputError, match=r"row 2: .* stands in row 1 too"):
        module.read(path)
    table.loc[1, "ops"] = "input,maxpool3x3,conv1x1-bn-relu,output"
    table.to_csv(path, index=False)
    with pytest.raises(InputError, match=r"own\.csv': .* is isomorphic to one in another row"):
        module.read(path)


def test_modules_are_found_by_hash_and_in_any_spelling(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    assert not BENCHMARKS["nb101"].at_hand
    path = tmp_path / "own.parquet"
    table_of_ones_own().to_parquet(path)
    frame = module.read(path)["nb101"]
    benchmark = samples.stored("nb101", "nb101", frame)
    assert benchmark.at_hand
    first, second = frame["arch"]
    padded = json.dumps(
        {
            "matrix": [[0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
            "ops": ["input", "maxpool3x3", "conv3x3-bn-relu", "output"],
        }
    )
    asked = [second, f"nb101:{frame['hash'][0]}", padded, f"nb101: {first}"]
    np.testing.assert_array_equal(
        benchmark.values(asked, "test_accuracy"), [91.5, 90.5, 90.5, 90.5]
    )
    assert frame["hash"][1] in benchmark
    assert benchmark.spelling(frame["hash"][1]) == second
    unknown = "f" * 32
    assert unknown not in benchmark
    assert benchmark.spelling(unknown) is None
    with pytest.raises(InputError, match=f"holds 2 architectures, not '{unknown}'"):
        benchmark.row(unknown)
    absent = '{"matrix":[[0,1],[0,0]],"ops":["input","output"]}'
    assert absent not in benchmark
    row = benchmark.row(padded)
    assert row["test_accuracy"] == 90.5
    assert np.isnan(row["test_accuracy_12"])  # a metric that this file has not


def test_the_published_files():
    small, full = PUBLISHED["nb101"], PUBLISHED["nb101_full"]
    assert small.read is full.read
    assert small.benchmarks == full.benchmarks == ("nb101",)
    assert BENCHMARKS["nb101"].metric().name == "test_accuracy"
    assert BENCHMARKS["nb101"].metric("test_accuracy_36").epochs == 36


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_published_modules_by_adjacency():
    source = Path(DATA or "") / "nb101_dev.parquet"
    raw = pd.read_parquet(source)
    frame = module.read(source)["nb101"]
    assert len(frame) == 6_000
    assert (frame["hash"] == raw["hash"]).all()
    np.testing.assert_array_equal(frame["test_accuracy"], raw["test_accuracy_mean"])


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_a_real_file():
    path = Path(DATA or "").parent / "raw" / "ecnas_4v.tfrecord"
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside GRADALIGN_DATA")
    frame = module.read(path)["nb101"]
    assert len(frame) == 91  # all modules of at most four vertices
    space = get_space("nb101")
    forms = [space.canonical(space.parse(arch)) for arch in frame["arch"]]
    assert list(frame["hash"]) == forms
    budgets = (4, 12, 36, 108)
    assert all((frame[f"repeats_{budget}"] == 3).all() for budget in budgets)
    means = [frame[f"test_accuracy_{budget}"].mean() for budget in budgets]
    assert means == sorted(means)
    seconds = [frame[f"training_seconds_{budget}"].mean() for budget in budgets]
    assert seconds[3] / seconds[1] == pytest.approx(9, rel=0.1)
