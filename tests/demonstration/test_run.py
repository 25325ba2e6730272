"""The demo's run and what it says about it."""

import pytest
from tests.report.reader import Reader

from gradalign.benchmarks import get_benchmark
from gradalign.demonstration import METRICS, PLAN, measured, not_shown, page, paired, pass_time, run
from gradalign.demonstration.run import drawn
from gradalign.errors import InputError
from gradalign.proxies import PROXIES

NETWORKS = 6
SIZES = [name for name in PLAN.proxies if PROXIES[name].kind == "size"]


@pytest.fixture(scope="module")
def demo():
    return run(NETWORKS, workers=1, seed=5)


def test_draws_are_of_the_table_and_follow_the_seed():
    table = get_benchmark("nb201")
    archs = drawn(table, 50, seed=1)
    assert len(set(archs)) == 50
    assert all(arch in table for arch in archs)
    assert drawn(table, 50, seed=1) == archs != drawn(table, 50, seed=2)


def test_scores_are_those_of_one_process(demo):
    first = demo.networks.models[0]
    here = PLAN.scorer().attempt(PLAN.candidate(first), seed=5)
    rows = demo.networks.values.loc[first]
    for record in here:
        assert record.value is None or rows[record.proxy] == record.value


def test_every_score_is_measured_with_its_ablation_and_the_sizes():
    assert {"params", "macs", "layers"} == set(SIZES)
    for name in PLAN.proxies:
        assert PROXIES[name].ablation in {None, *PLAN.proxies}


def test_every_difference_is_to_the_best_size_of_its_accuracy(demo):
    assert [difference.metric for difference in demo.differences] == [*METRICS] * 2
    for difference in demo.differences:
        rows = {row.proxy: row.kendall_tau for row in demo.evaluations[difference.metric].rows}
        best = max(rows[size] or -1 for size in SIZES)
        assert rows[difference.proxy_b] == best
        assert difference.difference == pytest.approx(rows[difference.proxy_a] - best)


def test_sentences_are_one_line_each_with_numbers_of_the_run(demo):
    lines = [measured(demo), not_shown(demo), *paired(demo), pass_time(demo)]
    assert not any("\n" in line for line in lines)
    rows = {row.proxy: row for row in demo.evaluations["cifar10"].rows}
    assert (
        f"conflict_fraction alone has tau {rows['conflict_fraction'].kendall_tau:.2f}" in lines[1]
    )
    assert f"{NETWORKS} of the 5,000" in lines[0]
    assert f"{demo.differences[0].difference:+.2f}" in lines[2]
    assert "12 of 200 epochs" in lines[-1]


def test_the_page_has_a_view_for_each_accuracy_and_the_sentences(demo):
    shown = Reader(page(demo))
    shown.assert_loads_nothing()
    (part,) = shown.data["parts"]
    assert len(part["views"]) == len(METRICS)
    assert len(part["networks"]) == NETWORKS
    for line in (measured(demo), not_shown(demo), *paired(demo), pass_time(demo)):
        assert line in shown.text
    table = shown.table("score")
    for row in demo.evaluations["cifar10"].rows:
        cells = table[row.proxy.split(" ")[0]]
        assert cells["tau CIFAR-10"].startswith(f"{row.kendall_tau:.2f}".replace("-0.00", "0.00"))


def test_too_few_or_too_many_networks_are_refused():
    with pytest.raises(InputError, match="choose 3 to 5,000"):
        run(2)
