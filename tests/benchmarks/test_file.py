"""Benchmarks of one's own, from a file."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gradalign.benchmarks import BENCHMARKS, get_benchmark
from gradalign.errors import InputError, UnknownNameError
from gradalign.spaces import get_space

TABLE = pd.DataFrame(
    {
        "arch": ["small", "nb201:wide", "00120012"],
        "accuracy": [70.5, 80.25, np.nan],
        "note": ["a", "b", "c"],
        "done": [True, False, True],
        "rank": [2, 1, 3],
    }
)


DATA = os.environ.get("GRADALIGN_DATA")

real_tables = pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
OTHER = "|none~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
HASH = "00083009f84f8841ca96ee3064cea6b3"


def write(path, frame=TABLE):
    if path.suffix.lower() == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("name", ["own.csv", "own.parquet", "OWN.CSV", "own.PARQUET"])
@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_table_of_ones_own(tmp_path, name, kind):
    path = write(tmp_path / name)
    benchmark = get_benchmark(kind(path))
    assert list(benchmark.metrics) == ["accuracy", "rank"]  # numbers, not flags or texts
    assert benchmark.metric().name == "accuracy"
    assert benchmark.space is None
    assert benchmark.source == benchmark.name == str(path)
    assert benchmark.checksum == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not benchmark.early_stopped
    assert len(benchmark) == 3
    values = benchmark.values(["wide", "nb201:small", " 00120012 ", "120012"], "rank")
    np.testing.assert_array_equal(values, [1, 2, 3, np.nan])
    assert benchmark.row("nb201:wide") == {"accuracy": 80.25, "rank": 1.0}
    assert "large" not in benchmark
    with pytest.raises(InputError, match="holds 3 architectures, not 'large'"):
        benchmark.row("large")


def test_an_index_named_arch_counts_as_a_column(tmp_path):
    TABLE.set_index("arch").to_parquet(tmp_path / "own.parquet")
    assert get_benchmark(tmp_path / "own.parquet").row("small")["accuracy"] == 70.5


def test_a_registered_name_goes_before_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nb201").write_text("arch,accuracy\na,1\n")
    assert get_benchmark("nb201") is BENCHMARKS["nb201"]


@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
def test_the_only_column_of_texts_holds_the_architectures(tmp_path, name):
    own = TABLE[["accuracy", "note", "done"]].rename(columns={"note": "genotype"})
    benchmark = get_benchmark(write(tmp_path / name, own))
    assert list(benchmark.metrics) == ["accuracy"]
    assert list(benchmark.frame["arch"]) == ["a", "b", "c"]
    assert benchmark.row("b") == {"accuracy": 80.25}


@pytest.mark.parametrize(
    ("archs", "space", "found"),
    [
        ([CELL, OTHER], None, None),
        ([f"nb201:{CELL}", f"nb201: {OTHER}"], None, "nb201"),
        ([f"nb201:{CELL}", OTHER], None, None),
        ([f"nb201:{CELL}", "macro:00000000"], None, None),
        (["mine:a", "mine:b"], None, None),  # no space of that name
        ([CELL, OTHER], "nb201", "nb201"),
        (["00000001", "macro:00000002"], "macro", "macro"),
        ([f"nb101:{HASH}"], None, "nb101"),  # a name that only a table explains
    ],
)
def test_the_space_of_a_file(tmp_path, archs, space, found):
    own = pd.DataFrame({"arch": archs, "accuracy": np.arange(len(archs), dtype=float)})
    benchmark = get_benchmark(write(tmp_path / "own.csv", own), space)
    assert benchmark.space == found
    for row, arch in enumerate(archs):
        assert benchmark.values([arch], "accuracy") == [row]
    if found is not None:
        assert [f"{found}:{arch}" in benchmark for arch in benchmark.frame["arch"]]
        assert benchmark.spelling(f"{found}:{benchmark.frame['arch'][0]}") is not None


def test_a_space_makes_other_spellings_the_same_network(tmp_path):
    spelled = get_space("darts").example
    spaced = spelled.replace(", ", ",")
    assert spaced != spelled
    own = write(tmp_path / "own.csv", pd.DataFrame({"arch": [spaced], "accuracy": [1.0]}))
    assert get_benchmark(own).spelling(spelled) is None
    assert get_benchmark(own, "darts").spelling(f"darts:{spelled}") == spelled


def lists(**columns):
    return pd.DataFrame({"arch": ["a", "b"], **columns})


@pytest.mark.parametrize(
    ("frame", "runs"),
    [
        (lists(seeds=[[1, 2, 6], [4, 5, 6]], mean=[3.0, 5.0]), 3),
        (lists(seeds=[[1, 2, 6], [4, 5, 6]], mean=[3.1, 5.0]), 0),  # another mean
        (lists(seeds=[[1, 2, 6], [4, 6]], mean=[3.0, 5.0]), 0),  # of other lengths
        (lists(seeds=[[3], [5]], mean=[3.0, 5.0]), 0),  # one training is the mean itself
        (lists(seeds=[["1"], ["x"]], mean=[3.0, 5.0]), 0),
        (lists(seeds=[[1, np.nan], [4, 6]], mean=[np.nan, 5.0]), 2),
        (lists(seeds=[[1, 5], [4, 6]], mean=[3.0, 5.0], mean_run_2=[1.0, 1.0]), 0),  # name taken
    ],
)
def test_several_trainings_become_a_column_each(tmp_path, frame, runs):
    frame.to_parquet(tmp_path / "own.parquet")
    benchmark = get_benchmark(tmp_path / "own.parquet")
    assert list(benchmark.metrics) == [name for name in frame.columns if "mean" in name]
    names = benchmark.runs("mean")
    assert names == tuple(f"mean_run_{k}" for k in range(1, runs + 1))
    if names:
        np.testing.assert_array_equal(benchmark.frame[[*names]], [*frame["seeds"]])
    with pytest.raises(InputError, match="no metric 'seeds'"):
        benchmark.runs("seeds")


@pytest.mark.data
@real_tables
@pytest.mark.parametrize(
    ("name", "space", "rows", "metric", "runs"),
    [
        ("nb201", "nb201", 5000, "cifar10_test", 0),
        ("darts", "darts", 400, "cifar10_val_acc", 0),
        ("nb_macro", "macro", 1500, "mean_acc", 3),
    ],
)
def test_real_tables(name, space, rows, metric, runs):
    benchmark = get_benchmark(Path(DATA or "") / f"{name}_dev.parquet", space)
    assert (benchmark.space, len(benchmark)) == (space, rows)
    assert metric in benchmark.metrics
    assert len(benchmark.runs(metric)) == runs
    arch = benchmark.frame["arch"][7]
    assert benchmark.spelling(f"{space}:{arch}") == arch


@pytest.mark.data
@real_tables
def test_a_real_table_with_several_texts_is_refused():
    with pytest.raises(InputError, match="texts, hash, adjacency, ops: rename the one with"):
        get_benchmark(Path(DATA or "") / "nb101_dev.parquet")


def without_arch(path):
    write(path, TABLE.drop(columns="arch").assign(other=["x", "y", "z"]))


def without_texts(path):
    write(path, TABLE[["accuracy", "done", "rank"]])


def malformed(path):
    write(path, pd.DataFrame({"arch": [f"nb201:{CELL}", "nb201:|x|"], "accuracy": [1.0, 2.0]}))


def without_metric(path):
    write(path, TABLE[["arch", "note", "done"]])


def without_rows(path):
    write(path, TABLE.head(0))


def twice(path):
    write(path, pd.DataFrame({"arch": ["a", "b", "nb201: a"], "accuracy": [1.0, 2.0, 3.0]}))


def missing_arch(path):
    write(path, pd.DataFrame({"arch": ["a", None], "accuracy": [1.0, 2.0]}))


def numbers_as_arch(path):
    write(path, pd.DataFrame({"arch": [12, 13], "accuracy": [1.0, 2.0]}))


def text(content):
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "make", "fault"),
    [
        (
            "own.parquet",
            lambda path: None,
            "no file .*own.parquet.*give a benchmark's name or file",
        ),
        ("own.csv", lambda path: path.mkdir(), "cannot read .*own.csv"),
        ("own.parquet", text(b"arch,accuracy\n"), "own.parquet' is not a Parquet file: "),
        ("own.parquet", text(b""), "own.parquet' is not a Parquet file: "),
        ("own.parquet", text(b"PAR1" + bytes(50) + b"PAR1"), "is not a Parquet file: "),
        ("own.csv", text(b""), "own.csv' is not a CSV file: "),
        ("own.csv", text(b"arch,accuracy\na,1,2,3\nb,1\nc,1,2,3,4,5\n"), "is not a CSV file: "),
        ("own.csv", text(b"arch,accuracy\n\xff\xfe\x00,1\n"), "is not a CSV file: "),
        ("own.csv", text(b"arch;accuracy\na;1\n"), "needs one column 'arch', .*: arch;accuracy"),
        ("own.csv", text(b'"ar\nch",accuracy\n1,1\n'), r"found the columns: 'ar\\nch', accuracy"),
        ("own.csv", without_arch, "texts, note, other: rename the one with the arch.* to 'arch'"),
        ("own.parquet", without_arch, "several columns of texts, note, other"),
        ("own.csv", without_texts, "needs one column 'arch', .* accuracy, done, rank"),
        ("own.parquet", without_texts, "needs one column 'arch', found"),
        ("own.csv", malformed, "row 2: malformed nb201 architecture"),
        ("own.csv", without_metric, "has no metric: at least one column of numbers"),
        ("own.parquet", without_metric, "has no metric: .*: arch, note, done"),
        ("own.parquet", without_rows, "has no rows"),
        ("own.csv", twice, "row 3: 'nb201: a' stands in row 1 too"),
        ("own.csv", missing_arch, "row 2: 'arch' is nan, a text is needed"),
        ("own.parquet", missing_arch, "row 2: 'arch' is (None|nan), a text is needed"),
        ("own.parquet", numbers_as_arch, "row 1: 'arch' is 12, a text is needed"),
        ("own.json", text(b"{}"), "own.json' is neither .parquet nor .csv"),
    ],
)
def test_a_bad_file_gives_one_clear_line(tmp_path, name, make, fault):
    make(tmp_path / name)
    with pytest.raises(InputError, match=fault) as error:
        get_benchmark(tmp_path / name)
    assert "\n" not in str(error.value)


def test_an_unknown_name_is_offered_the_nearest():
    offered = r"did you mean 'nb201'.*, or give a \.parquet or \.csv"
    with pytest.raises(UnknownNameError, match=offered):
        get_benchmark("nb202")


@pytest.mark.parametrize(
    ("name", "space", "fault"),
    [
        ("own.csv", "nb202", "did you mean 'nb201'"),
        ("own.csv", "nb201", "row 1: malformed nb201 architecture 'small'"),
        ("nb201", "macro", "'nb201' is of the space 'nb201', not 'macro'"),
    ],
)
def test_a_wrong_space_gives_one_clear_line(tmp_path, monkeypatch, name, space, fault):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "own.csv")
    with pytest.raises(InputError, match=fault) as error:
        get_benchmark(name, space)
    assert "\n" not in str(error.value)
    assert get_benchmark("nb201", "nb201") is BENCHMARKS["nb201"]
