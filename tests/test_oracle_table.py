"""The table of reference values accounts for every entry, and fails where one is missed."""

import re
import runpy
from pathlib import Path

import pytest
from tests.engine import oracles

from gradalign.proxies import PROXIES

SCRIPT = Path(__file__).parent.parent / "scripts" / "oracle_table.py"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def test_every_way_is_by_a_registered_score(script):
    ways = runpy.run_path(str(SCRIPT.with_name("oracle_ways.py")))
    tables = (ways["IN_EACH_MODE"], ways["ON_BATCHES"], ways["AS_PUBLISHED"])
    named = {way.proxy for table in tables for way in table.values() if way.proxy}
    assert named <= set(PROXIES)
    assert not set(ways["AS_PUBLISHED"]) & set(ways["LEFT_OUT"])


def is_named(code, source):
    """Whether the source of a score names the code, OWNER/NAME@COMMIT:PATH, or at least its file.

    `own` loops have neither.
    """
    place, _, path = code.partition(":")
    commit = re.match(r"\S+@\w{7}", place)
    return bool(commit and commit[0] in source) or bool(path and Path(path).stem in source)


@pytest.mark.data
def test_scores_say_what_they_were_held_against(script):
    """`oracle` of each score, from where the values that it is compared with come."""
    expected = {n: "naive loop" if p.deterministic else "nothing" for n, p in PROXIES.items()}
    for network in oracles.NETWORKS:
        for entry, facts in oracles.expected()[network].items():
            way = None if entry == "_checks" else script["way_to"](entry)
            if way is None or not way.proxy or entry in script["LEFT_OUT"]:
                continue
            if is_named(facts["source"], PROXIES[way.proxy].source):
                expected[way.proxy] = "published code"
            elif expected[way.proxy] == "naive loop":
                expected[way.proxy] = "independent code"
    assert {name: proxy.oracle for name, proxy in PROXIES.items()} == expected


@pytest.mark.data
@pytest.mark.parametrize("network", oracles.NETWORKS)
def test_every_entry_is_measured_or_left_out_for_a_reason(script, network):
    way_to, left_out = script["way_to"], script["LEFT_OUT"]
    entries = set(oracles.expected()[network]) - {"_checks"}
    silent = [e for e in entries if way_to(e) is None and e not in left_out]
    assert not silent


@pytest.mark.data
def test_the_table_is_markdown_and_says_what_agrees(script, capsys):
    oracles.folder()  # skips without the data
    assert script["main"](["zico_8", "zico_aleth"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len([line for line in out if line.startswith("| zico_8 |") and "| yes |" in line]) == 2
    assert len([line for line in out if line.startswith("| zico_alethiometer_cpu |")]) == 2
    assert out[-1] == "2 yes, 0 NO, 0 NOT THERE, 2 left out"


@pytest.mark.data
def test_a_value_out_of_tolerance_fails(script, capsys, monkeypatch):
    facts = oracles.expected()["tiny_vit"]["zico_8"]
    monkeypatch.setitem(facts, "value_float64", facts["value_float64"] * 1.0001)
    assert script["main"](["zico_8"]) == 1
    assert "1 yes, 1 NO" in capsys.readouterr().out


@pytest.mark.data
def test_an_entry_that_nobody_accounts_for_fails(script, capsys, monkeypatch):
    known = oracles.expected()["tiny_vit"]["zico_8"]
    monkeypatch.setitem(oracles.expected()["tiny_vit"], "zico_9", known)
    assert script["main"](["zico_9"]) == 1
    assert "no row in the table of ways" not in capsys.readouterr().err


def test_without_the_data_it_says_so(script, capsys, monkeypatch):
    monkeypatch.delenv("GRADALIGN_DATA", raising=False)
    assert script["main"]([]) == 2
    assert "GRADALIGN_DATA" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ours", "theirs", "tolerance", "expected"),
    [
        (1.0, 1.0, {"rtol": 0.0}, "yes"),
        (1.1, 1.0, {"rtol": 0.0, "rtol_float64": 0.2}, "yes"),
        (1.1, 1.0, {"rtol": 0.2, "rtol_float64": 0.0}, "NO"),
        (-1.0, 1.0, {"rtol": 0.1}, "NO"),
        ("nan: no logarithm", float("nan"), {"rtol": 0.1}, "yes"),
        (3.0, float("nan"), {"rtol": 0.1}, "NO"),
        ("error: dead", 1.0, {"rtol": 0.1}, "NO"),
    ],
)
def test_verdicts(script, ours, theirs, tolerance, expected):
    assert script["verdict"](ours, theirs, tolerance) == expected
