"""NAS-Bench-Suite-Zero's JSON, and its tuples."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.benchmarks import samples

from gradalign.benchmarks import BENCHMARKS
from gradalign.benchmarks import suite_zero as module
from gradalign.benchmarks._formats.suite_zero import nb101_arch, nb201_arch, whole_numbers
from gradalign.benchmarks._published import PUBLISHED
from gradalign.errors import InputError
from gradalign.spaces import get_space

DATA = os.environ.get("GRADALIGN_DATA")


def read(path, content, name="suite_zero_nb201"):
    path.write_bytes(content)
    return PUBLISHED[name].read(path)[name]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "zc.json"


def test_the_table(path):
    frame = read(path, samples.suite_zero_nb201())
    assert list(frame["arch"]) == list(samples.CELLS)
    assert list(frame["cifar10_val_accuracy"]) == [81.5, 10.0]
    np.testing.assert_array_equal(frame["ImageNet16-120_val_accuracy"], [26.0, np.nan])
    assert list(frame["cifar10_first"]) == [1.5, 0.5]
    np.testing.assert_array_equal(frame["cifar10_second"], [-2.0, np.nan])
    assert "cifar10_id" not in frame.columns


def test_lookup(path, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    name = "suite_zero_nb201"
    benchmark = samples.stored(name, name, read(path, samples.suite_zero_nb201()))
    row = benchmark.row(samples.CELLS[1])
    assert row["cifar10_val_accuracy"] == 10.0
    assert np.isnan(row["cifar100_val_accuracy"])  # a data set that this file has not


def test_modules_of_nb101(path):
    # as six vertices and with a dead one
    text = "(0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 2, 1)"
    document = {"cifar10": {text: samples.suite_zero_record(90.0, first=1.0)}}
    frame = read(path, json.dumps(document).encode(), "suite_zero_nb101")
    assert json.loads(frame["arch"][0])["ops"] == [
        "input",
        "conv3x3-bn-relu",
        "maxpool3x3",
        "output",
    ]
    space = get_space("nb101")
    assert frame["hash"][0] == space.canonical(space.parse(frame["arch"][0]))


@pytest.mark.parametrize("space", ["transnas_micro", "transnas_macro"])
def test_tuples_that_are_the_space_s_spelling(path, space):
    arch = get_space(space).example
    document = {"class_scene": {arch: samples.suite_zero_record(50.0)}}
    frame = read(path, json.dumps(document).encode(), f"suite_zero_{space}")
    assert list(frame["arch"]) == [arch]
    assert list(frame["class_scene_val_accuracy"]) == [50.0]
    assert BENCHMARKS[f"suite_zero_{space}"].metric().name == "class_object_val_accuracy"


@pytest.mark.parametrize(
    "text",
    ["", "()", "(1 2)", "[1, 2]", "(1, 2", "(-1, 2)", "(1.0, 2)", "(1, exit(1))", "(999, 1)", "٣"],
)
def test_no_tuple_of_whole_numbers(text):
    with pytest.raises(ValueError, match="no tuple of whole numbers"):
        whole_numbers(text)


@pytest.mark.parametrize(
    ("convert", "text"),
    [
        (nb201_arch, "(0, 0, 0, 0, 0)"),
        (nb201_arch, "(0, 0, 0, 0, 0, 5)"),
        (nb101_arch, "(0, 1, 0)"),
        (nb101_arch, "(0, 2, 0, 0, 0, 1)"),
        (nb101_arch, "(0, 1, 0, 0, 0, 5)"),
    ],
)
def test_tuples_of_other_spaces(convert, text):
    with pytest.raises(ValueError, match=r"numbers|matrix|operation"):
        convert(text)


CELL = "(4, 3, 3, 0, 0, 0)"


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "holds no scores"),
        ({}, "no column|no metric|one column 'arch'"),
        ({"cifar10": []}, "holds no scores"),
        ({"cifar10": {CELL: 5}}, "no number 'val_accuracy' in cifar10"),
        ({"cifar10": {CELL: {"first": {"score": 1.0}}}}, "no number 'val_accuracy'"),
        ({"cifar10": {"(9, 9)": samples.suite_zero_record(5.0)}}, "an architecture that is none"),
        (
            {"cifar10": {t: samples.suite_zero_record(5.0) for t in (CELL, CELL.replace(" ", ""))}},
            "twice",
        ),
    ],
)
def test_anything_else_is_refused(path, document, fault):
    with pytest.raises(InputError, match=fault) as error:
        read(path, json.dumps(document).encode())
    assert "\n" not in str(error.value)


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_real_tuples_and_values(path):
    known = pd.read_parquet(Path(DATA or "") / "nb201_suite_zero_dev.parquet")
    document: dict[str, dict[str, object]] = {}
    for row in known.itertuples():
        record = samples.suite_zero_record(row.val_accuracy, snip=row.snip)
        document.setdefault(row.dataset, {})[row.naslib_tuple] = record
    frame = read(path, json.dumps(document).encode()).set_index("arch")
    assert len(frame) == 3_092
    for dataset, rows in known.groupby("dataset"):
        ours = frame.loc[rows["arch"]]
        np.testing.assert_array_equal(ours[f"{dataset}_val_accuracy"], rows["val_accuracy"])
        np.testing.assert_array_equal(ours[f"{dataset}_snip"], rows["snip"])
    assert len(module.FILES) == 4
