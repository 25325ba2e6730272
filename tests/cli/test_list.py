"""`gradalign list`."""

import csv
import io

import pytest

from gradalign.aggregates import AGGREGATES
from gradalign.benchmarks import BENCHMARKS
from gradalign.data import SOURCES
from gradalign.proxies import PROXIES
from gradalign.spaces import SPACES

KINDS = {
    "proxies": PROXIES,
    "aggregates": AGGREGATES,
    "spaces": SPACES,
    "benchmarks": BENCHMARKS,
    "data": SOURCES,
}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_registered_is_listed_in_every_format(gradalign, kind):
    names = list(KINDS[kind])
    document = gradalign("list", kind, "--format", "json").document
    assert [entry["name"].split(":")[0] for entry in document[kind]] == names
    rows = list(csv.DictReader(io.StringIO(gradalign("list", kind, "--format", "csv").out)))
    assert [row["name"].split(":")[0] for row in rows] == names
    table = gradalign("list", kind)
    assert table.code == 0
    lines = table.out.splitlines()[2 : 2 + len(names)]  # one line each: nothing is wrapped
    assert [line.split()[0].split(":")[0] for line in lines] == names


def test_proxies_say_what_they_are(gradalign):
    entries = gradalign("list", "proxies", "--format", "json").document["proxies"]
    by_name = {entry["name"]: entry for entry in entries}
    conflict = by_name["conflict_fraction"]
    assert conflict["better"] == "lower"
    assert conflict["range"] == [0, 1]
    assert conflict["needs"] == ["gram"]
    assert by_name["gradalign_i"]["range"] == [0, None]
    assert all(entry["source"] and entry["summary"] for entry in entries)
    header, *_ = gradalign("list", "proxies").out.splitlines()
    assert header.split() == ["name", "better", "range", "checked_against", "summary", "cost"]
    gradsign = by_name["gradsign"]
    assert gradsign["formula"] == "sum over k of | sum over i of sign g_ik |."
    assert gradsign["cost"] == "the common pass"
    assert gradsign["checked_against"] == "published code"
    assert gradsign["published_as"] == by_name["gradsign_mean"]["published_as"] == "GradSign"
