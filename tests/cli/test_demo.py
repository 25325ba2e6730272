"""`gradalign demo`, end to end on few networks."""

import csv
from pathlib import Path

import pytest

from gradalign.aggregates import AGGREGATES
from gradalign.demonstration import PLAN
from gradalign.proxies import PROXIES

COMBINED = [name for name, each in AGGREGATES.items() if {*each.members} <= {*PLAN.proxies}]
ROWS = {*PLAN.proxies, *COMBINED, "training, 12 epochs"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


def test_the_table_and_the_page(gradalign, folder):
    done = gradalign("demo", "--networks", "12", "--out", str(folder))
    assert done.code == 0
    for name in ROWS:
        assert sum(line.split()[:1] == name.split()[:1] for line in done.out.splitlines()), name
    for begin in ("Measured: 12 of the 5,000", "Not shown: that conflict", "gradalign_ii less"):
        assert sum(line.startswith(begin) for line in done.out.splitlines()) == 1
    page = folder / "demo.html"
    assert f"Page: {page}" in done.out
    assert page.stat().st_size > 1e6
    with (folder / "scores.csv").open() as file:
        assert {row["proxy"] for row in csv.DictReader(file)} == set(PLAN.proxies)


def test_json_is_one_document(gradalign, tmp_path):
    options = ("--networks", "12", "--seed", "1", "--out", str(tmp_path), "--format", "json")
    document = gradalign("demo", *options).document
    assert [each["metric"] for each in document["evaluations"]] == [
        "cifar10",
        "cifar100",
        "imagenet16-120",
    ]
    for evaluation in document["evaluations"]:
        assert {row["proxy"] for row in evaluation["rows"]} == ROWS
    assert len(document["differences"]) == 6
    assert Path(document["page"]).is_file()


def test_all_scores_come_from_one_pass():
    for name in PLAN.proxies:
        assert list(PROXIES[name].probes.values()) == [{}], name
