"""The script that holds official scores against published ones finds what disagrees."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "suite_zero.py"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def tables(script, spoiled=None):
    """Scores that agree with the published ones; one of them drawn anew."""
    generator = np.random.default_rng(0)
    archs = [f"net{k}" for k in range(60)]
    columns = {pair.ours: generator.normal(size=60) for pair in script["PAIRS"]}
    theirs = {pair.theirs: columns[pair.ours] ** 3 for pair in script["PAIRS"]}
    if spoiled:
        columns = {**columns, spoiled: generator.normal(size=60)}
    ours = pd.DataFrame(columns, index=archs)
    return {0: ours, 1: ours + 0.0}, pd.DataFrame(theirs, index=archs)


def test_scores_in_the_published_order_reach_the_ceiling(script):
    lines = list(script["compare"](*tables(script)))[1:]
    assert len(lines) == len(script["PAIRS"])
    assert all("| 60 | 1.0000 | 1.000 to 1.000 | 1.000 |" in line for line in lines)
    assert not any(line.endswith(("NO |", "no |")) for line in lines)


@pytest.mark.parametrize(("name", "verdict"), [("snip", "NO"), ("grasp", "no")])
def test_a_score_in_another_order_is_found(script, name, verdict):
    lines = list(script["compare"](*tables(script, name)))
    (found,) = (line for line in lines if line.startswith(f"| {name} |"))
    assert found.endswith(f"| {verdict} |")


def test_networks_without_a_value_are_left_out(script):
    ours, theirs = tables(script)
    ours[0].loc["net3", "synflow"] = np.nan
    (found,) = (x for x in script["compare"](ours, theirs) if x.startswith("| synflow |"))
    assert "| 59 | 1.0000 |" in found
