"""The whole study, small: measured, stopped, gone on with, told and drawn."""

import importlib
import json
import random

import pandas as pd
import pytest

from gradalign.benchmarks import Benchmark, Metric
from gradalign.errors import InputError
from gradalign.report import render
from gradalign.studies import Ledger, Workshop
from gradalign.studies.linear_regions import LINEAR_REGIONS, Options, run
from gradalign.studies.linear_regions.counting import MEANINGS
from gradalign.studies.linear_regions.drawing import drawn

SMALL = Options(networks=20, stacks=2, seeds=2)


@pytest.fixture
def small(monkeypatch):
    """Fewer stacks and changes, short trainings."""
    package = "gradalign.studies.linear_regions"
    training = importlib.import_module(f"{package}.training")
    monkeypatch.setattr(importlib.import_module(f"{package}.sampling"), "STACKS", ("8", "16-16"))
    stacks = importlib.import_module(f"{package}.stacks")
    monkeypatch.setattr(stacks, "FAMILY", ("16", "16-16-16-16-16"))
    monkeypatch.setattr(stacks, "CHANGED", ("32-32",))
    monkeypatch.setattr(
        stacks, "CHANGES", tuple(c for c in training.CHANGES if c.factor in (0.25, 0.0))
    )
    monkeypatch.setattr(
        importlib.import_module(f"{package}.drawing"), "TOY_RECIPE", training.RECIPE
    )


def stacks(shuffled=False):
    """A made-up benchmark of stacks: the accuracy is the width of the narrowest layer."""
    widths = (8, 16, 32, 64)
    archs = [f"{a}-{b}" for a in widths for b in widths]
    archs += [f"{a}-{b}-8" for a in widths for b in widths[:2]]
    accuracies = [float(min(map(int, arch.split("-")))) + 0.01 * len(arch) for arch in archs]
    if shuffled:
        random.Random(1).shuffle(accuracies)
    frame = pd.DataFrame({"arch": archs, "accuracy": accuracies})
    return Benchmark(
        name="stacks",
        space="mlp",
        metrics={"accuracy": Metric(name="accuracy")},
        load=lambda: frame,
        source="here",
        licence="none",
    )


def document(folder, progress=None, **made):
    workshop = Workshop(Ledger(folder / "linear-regions.jsonl"), progress=progress)
    found = run(workshop, [(stacks(**made), "accuracy")], SMALL)
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.mark.usefixtures("small")
def test_stopped_and_gone_on_with_it_is_the_same(tmp_path):
    whole = document(tmp_path / "whole")

    def stop(what, done, total):
        if (what, done) == ("training stacks", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        document(tmp_path / "stopped", stop)
    assert document(tmp_path / "stopped") == whole
    assert whole["study"] == LINEAR_REGIONS.name
    assert [each["count"] for each in whole["verdicts"]] == list(MEANINGS)
    text = LINEAR_REGIONS.findings(whole)
    assert any("16-16-16-16-16" in each or "5 hidden layers" in each for each in text)
    page = render(LINEAR_REGIONS.page(whole))
    assert page.count("<polygon") == sum(
        len(own[state]["cells"])
        for own in whole["pictures"].values()
        for state in ("before", "after")
    )

    other = document(tmp_path / "whole", shuffled=True)
    assert LINEAR_REGIONS.findings(other) != text
    tau = {each["count"]: each["tau"] for each in whole["verdicts"]}
    assert {each["count"]: each["tau"] for each in other["verdicts"]} != tau
    assert other["trained"] == whole["trained"]


def test_a_picture_covers_its_square():
    found = drawn({"picture": "digits", "seed": 0})
    for state in ("before", "after"):
        cells = found[state]["cells"]
        assert sum(map(area, cells)) == pytest.approx(1, abs=0.01)
    assert found["after"]["accuracy"] > found["before"]["accuracy"]
    assert [mark["at"] for mark in found["marks"]] == [[0, 0], [1, 0], [0, 1]]


def area(cell):
    corners = cell["corners"]
    turned = [*corners[1:], corners[0]]
    return abs(sum(x * w - z * y for (x, y), (z, w) in zip(corners, turned, strict=True))) / 2


@pytest.mark.parametrize("wrong", [{"networks": 19}, {"seeds": 1}, {"stacks": 1}])
def test_too_small_a_study(wrong):
    with pytest.raises(InputError, match="take at least 20"):
        Options(**wrong)
