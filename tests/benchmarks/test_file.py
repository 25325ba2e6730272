"""Benchmarks of one's own, from a file."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from gradalign.benchmarks import BENCHMARKS, get_benchmark
from gradalign.errors import InputError, UnknownNameError

TABLE = pd.DataFrame(
    {
        "arch": ["small", "nb201:wide", "00120012"],
        "accuracy": [70.5, 80.25, np.nan],
        "note": ["a", "b", "c"],
        "done": [True, False, True],
        "rank": [2, 1, 3],
    }
)


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


def without_arch(path):
    write(path, TABLE.drop(columns="arch"))


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
        ("own.csv", text(b'"ar\nch",accuracy\na,1\n'), r"found the columns: 'ar\\nch', accuracy"),
        ("own.csv", without_arch, "needs one column 'arch', .* accuracy, note, done, rank"),
        ("own.parquet", without_arch, "needs one column 'arch', found"),
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
