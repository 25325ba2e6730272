"""`gradalign list`."""

import csv
import io
from dataclasses import fields

import pytest

from gradalign.aggregates import AGGREGATES
from gradalign.benchmarks import BENCHMARKS
from gradalign.data import SOURCES
from gradalign.proxies import PROXIES, Proxy
from gradalign.search.samplers import SAMPLERS
from gradalign.spaces import SPACES

KINDS = {
    "proxies": PROXIES,
    "aggregates": AGGREGATES,
    "spaces": SPACES,
    "benchmarks": BENCHMARKS,
    "data": SOURCES,
    "samplers": SAMPLERS,
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
    assert header.split() == ["name", "better", "range", "checked_against", "cost"]
    gradsign = by_name["gradsign"]
    assert gradsign["formula"] == "sum over k of | sum over i of sign g_ik |."
    assert gradsign["cost"] == "the common pass"
    assert gradsign["checked_against"] == "published code"
    assert gradsign["published_as"] == by_name["gradsign_mean"]["published_as"] == "GradSign"
    assert gradsign["disagrees"].startswith("The port in AZ-NAS takes the mean")
    assert not gradsign["standard_error"]
    assert conflict["standard_error"]
    assert by_name["zen"]["official"] == {"weights": "gaussian", "norm": "batch"}
    assert [name for name, entry in by_name.items() if not entry["deterministic"]] == ["latency"]


def test_json_leaves_out_no_fact(gradalign):
    entry = gradalign("list", "proxies", "--format", "json").document["proxies"][0]
    told = set(entry) | {"bounds", "oracle", "function"}  # as range, checked_against; and formula
    told |= {"block_terms", "layer_terms"}  # as sum_over
    assert {field.name for field in fields(Proxy)} <= told
    assert "sum_over" in entry


def test_proxies_fit_a_terminal_of_120_columns(gradalign, monkeypatch):
    monkeypatch.setattr("gradalign.cli._output.PIPE_WIDTH", 120)
    lines = gradalign("list", "proxies").out.splitlines()
    assert max(map(len, lines)) <= 120
    started = [line for line in lines if line.split(" ")[0] in PROXIES]
    assert [line.split()[0] for line in started] == list(PROXIES)
    assert all(line.split()[1] in ("higher", "lower") for line in started)
    assert len(lines) < 1.5 * len(PROXIES)
