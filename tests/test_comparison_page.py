"""The script that writes the comparison page: what it measures, and what the page says."""

import runpy
from pathlib import Path

import pytest
from tests.comparison import build

from gradalign.comparison import compare
from gradalign.proxies import PROXIES
from gradalign.store import Store
from gradalign.sweep import Plan

SCRIPT = Path(__file__).parent.parent / "scripts" / "comparison_page.py"


@pytest.fixture
def script():
    return runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize("regime", ["shared", "official"])
def test_every_score_that_repeats_is_measured(script, regime):
    plans = script["plans"](Path("data"))
    for plan in (plans[regime], plans[f"{regime}-costly"]):
        assert plan.regime == regime
    measured = {*plans[regime].proxies, *plans[f"{regime}-costly"].proxies}
    assert measured == {name for name, proxy in PROXIES.items() if proxy.deterministic}


def test_what_is_compared_with_published_figures_is_measured(script):
    proxies = {*script["plans"](Path("data"))["published"].proxies}
    for name in script["PUBLISHED"]:
        members = script["AGGREGATES"][name].members if name in script["AGGREGATES"] else (name,)
        assert proxies.issuperset(members)


def test_a_store_is_completed_and_then_taken_as_it_is(script, tmp_path, monkeypatch):
    settings = script["Work"].compared.__globals__
    plan = Plan(batch_size=4, input_size=(8,), proxies=("gradalign_ii", "macs"))
    monkeypatch.setitem(settings, "PARTS", (script["Part"]("nb201", {"shared": 4}),))
    monkeypatch.setitem(settings, "plans", lambda _: {"shared": plan})
    work = script["Work"](tmp_path, tmp_path, 1)
    first = work.compared("shared")
    assert {row.n for found in first.evaluations for row in found.rows} <= {4}
    assert {line.name for line in first.lines} >= {"gradalign_ii", "live_layers", "macs"}
    with Store.read(tmp_path / "nb201-shared.db") as store:
        before = store.frame()
    assert work.compared("shared").lines == first.lines
    with Store.read(tmp_path / "nb201-shared.db") as store:
        assert store.frame().equals(before)


class Simulated:
    """Comparisons of simulated scores."""

    data = Path("data")

    def compared(self, scores):
        columns = [build.evaluation(metric=m) for m in ("cifar_10", "cifar_100")]
        return compare(columns, combined=["both"])


def test_the_page_says_what_stands_against_size_and_against_published_figures(script, monkeypatch):
    settings = script["page"].__globals__
    row = {line.name: line for line in Simulated().compared("").lines}["gradsign"].rows[0]
    inside, outside = row.kendall_tau, row.kendall_tau_ci[1] + 0.01
    monkeypatch.setitem(settings, "PUBLISHED", {"gradsign": (inside, outside)})
    monkeypatch.setitem(settings, "_elsewhere", str)
    text = "\n".join(script["page"](Simulated()))
    assert text.count("# ") >= 5
    assert "The best plain size is `params`" in text
    (line,) = (
        line for line in text.splitlines() if line.startswith("| gradsign |") and "yes" in line
    )
    assert line.count(" yes ") == 1  # the second column is another metric, with another interval
    assert f"{outside:.3f} |" in line
