"""DARTS networks and their accuracies: genotypes are parsed, never run."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.benchmarks import samples

from gradalign.benchmarks import darts1000 as module
from gradalign.errors import InputError

DATA = os.environ.get("GRADALIGN_DATA")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "DARTS_archs_CIFAR10.csv"


def read(path, content):
    path.write_bytes(content)
    return module.read(path)["darts1000"]


def test_the_table(path):
    frame = read(path, samples.darts1000())
    assert list(frame["arch"]) == list(samples.GENOTYPES)
    assert list(frame["validation_accuracy"]) == [85.0, 85.25, 85.5]


def test_lookup(path, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    frame = read(path, samples.darts1000())
    benchmark = samples.stored("darts1000", "darts1000", frame)
    spaced = f" darts:{samples.GENOTYPES[2]}".replace(", ", ",  ")
    assert benchmark.row(spaced) == {"validation_accuracy": 85.5}


def test_a_table_with_a_header(path, tmp_path):
    own = tmp_path / "own.csv"
    pd.DataFrame({"arch": samples.GENOTYPES, "validation_accuracy": [1, 2, 3]}).to_csv(own)
    frame = module.read(own)["darts1000"]
    assert list(frame["arch"]) == list(samples.GENOTYPES)
    assert list(frame["validation_accuracy"]) == [1, 2, 3]


CALL = samples.GENOTYPES[0].replace("[2, 3, 4, 5]", "__import__('os').mkdir('made')", 1)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (f'"{CALL}",85.0'.encode(), "malformed darts architecture"),
        (b'"Genotype(x)",85.0', "malformed darts architecture"),
        (f'"{samples.GENOTYPES[0]}"'.encode(), "broken in row 1"),
        (f'"{samples.GENOTYPES[0]}",good'.encode(), "broken in row 1"),
        (f'"{samples.GENOTYPES[0]}",1,2'.encode(), "broken in row 1"),
        (f'"{samples.GENOTYPES[0]}",1\n"Genotype(\xff'.encode("latin-1"), "broken in row"),
        (samples.darts1000() * 2, "row 4: .* stands in row 1 too"),
        (b"", "is not a CSV file"),
    ],
)
def test_anything_else_is_refused(path, content, fault, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=fault) as error:
        read(path, content)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "made").exists()


def test_another_kind_of_file(tmp_path):
    with pytest.raises(InputError, match=r"neither \.csv nor \.parquet"):
        module.read(tmp_path / "file.json")


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_real_genotypes(path):
    known = pd.read_parquet(Path(DATA or "") / "darts_dev.parquet")
    rows = (f'"{arch}",{accuracy!r}' for arch, accuracy in known.itertuples(index=False))
    frame = read(path, "\n".join(rows).encode())
    assert list(frame["arch"]) == list(known["genotype"])  # spelled as published, all 400
    np.testing.assert_array_equal(frame["validation_accuracy"], known["cifar10_val_acc"])
