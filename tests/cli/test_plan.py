"""`gradalign plan`."""

import io

import pandas as pd
import pytest
from tests.cli.commands import SMALL

ARGUMENTS = ("plan", "nb201", *SMALL, "--proxies", "gradalign_i,params", "--workers", "1")


def test_the_document_holds_together(gradalign, tmp_path):
    options = ("--networks", "500", "--cores", "1", "--price", "2", "--format", "json")
    done = gradalign(*ARGUMENTS, *options)
    assert (done.code, done.err) == (0, "")
    found = done.document
    assert (found["space"], found["networks"]) == ("nb201", 500)
    assert found["sample"]["networks"] >= 8  # ten, of which some may be twins
    each = found["network_seconds"]["value"]
    start = found["sample"]["start_seconds"]
    owner = found["sample"]["owner_seconds"]
    assert found["to_measure"] == 466  # of the first 500 that seed 0 draws
    assert found["seconds"]["value"] == pytest.approx(start + 466 * max(each, owner))
    for name in ("seconds", "worker_hours", "network_seconds", "cost"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    assert found["cost"]["value"] == pytest.approx(2 * found["worker_hours"]["value"])
    assert found["store_bytes"] > 500 * 2 * 20
    assert list(tmp_path.iterdir()) == []  # nothing is kept


def test_the_table_says_what_limits(gradalign):
    done = gradalign(*ARGUMENTS[:-1], "5", "--networks", "100", "--cores", "2")
    assert done.code == 0
    assert "100 networks" in done.out
    assert "5 workers on 2 cores go no faster than 2" in done.out


def test_csv_has_one_row(gradalign):
    frame = pd.read_csv(
        io.StringIO(gradalign(*ARGUMENTS, "--networks", "9", "--format", "csv").out)
    )
    assert frame.loc[0, "networks"] == 9
    assert frame.loc[0, "seconds_low"] <= frame.loc[0, "seconds_high"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nb102", "--networks", "3"), "did you mean"),
        (("nb201", "--networks", "15626"), "the space 'nb201' has 15,625"),
        (("nb201", "--networks", "3", "--proxies", "gradalign_iii"), "did you mean"),
        (("nb201", "--networks", "3", "--max-memory", "much"), "write it as 512M or 2G"),
    ],
)
def test_bad_input_is_one_line(gradalign, arguments, said):
    done = gradalign("plan", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.complaint


@pytest.mark.parametrize("arguments", [("nb201",), ("nb201", "--networks", "0")])
def test_a_number_of_networks_is_needed(gradalign, arguments):
    assert gradalign("plan", *arguments).code == 2
