"""What the tables show: numbers of the evaluations, and nothing else."""

import pytest
from tests.comparison import build
from tests.comparison.conftest import LACKING

from gradalign.comparison import Cell, compare, difference, grids, inseparable
from gradalign.comparison.grid import decimal, deviation, interval

TAU, PARTIAL, GAINS, SELECTED, COST = range(5)


@pytest.fixture(scope="module")
def tables(comparison):
    return grids(comparison)


def rows(grid):
    return {name: cells for name, cells in grid.lines() if cells is not None}


def shown(value, ci):
    return f"{value:.3f} [{ci[0]:.3f}, {ci[1]:.3f}]"


def test_titles_of_the_groups_stand_in_order(tables):
    titles = [name for name, cells in tables[TAU].lines() if cells is None]
    assert titles == [
        "GradAlign",
        "Other methods",
        "Other scores",
        "Rank aggregates",
        "Size alone",
        "Ablations",
        "Short training",
    ]


@pytest.mark.parametrize(("place", "field"), [(TAU, "kendall_tau"), (PARTIAL, "partial_tau")])
def test_taus_are_those_of_the_evaluations(tables, evaluations, comparison, place, field):
    grid = tables[place]
    assert grid.columns == ("bench_1 cifar_10", "bench_1 cifar_100", "bench_2 cifar_10", "mean")
    for name, cells in rows(grid).items():
        for cell, found in zip(cells[:3], evaluations, strict=True):
            if name == LACKING and found is evaluations[2]:
                assert cell == Cell()
                continue
            row = found.row(name)
            mark = place == TAU and name in inseparable(found)
            expected = shown(getattr(row, field), getattr(row, f"{field}_ci"))
            assert cell.text == expected + "*" * mark
        mean = next(line for line in comparison.lines if line.name == name)
        mean = mean.tau if place == TAU else mean.partial_tau
        assert cells[3].text == ("-" if mean is None else shown(mean.value, mean.ci))


def test_gains_over_ablations_are_paired_differences(tables, evaluations):
    grid = tables[GAINS]
    pairs = {
        "gradalign_plus over gradalign_plus_ablation": (
            "gradalign_plus",
            "gradalign_plus_ablation",
        ),
        f"gradalign_ii over {LACKING}": ("gradalign_ii", LACKING),
    }
    assert {*rows(grid)} == {*pairs}
    for name, cells in rows(grid).items():
        for cell, found in zip(cells, evaluations, strict=True):
            pair = difference(found, *pairs[name])
            if pair is None:
                assert (LACKING in name, cell) == (True, Cell())
            else:
                assert cell.text == shown(pair.difference, pair.difference_ci)


def test_selection_stands_beside_chance_and_the_oracle(tables, evaluations):
    grid = tables[SELECTED]
    draws = (100, 100, 10)  # the last has 60 networks
    assert grid.columns == tuple(
        f"{name}, best of {draw}"
        for name, draw in zip(
            ("bench_1 cifar_10", "bench_1 cifar_100", "bench_2 cifar_10"), draws, strict=True
        )
    )
    names = {"random choice": "random", "oracle": "oracle"}
    for name, cells in rows(grid).items():
        for cell, found, draw in zip(cells, evaluations, draws, strict=True):
            if name == LACKING and found is evaluations[2]:
                assert cell == Cell()
                continue
            selected = (
                found.baselines[names[name]] if name in names else found.row(name).selected_accuracy
            )
            mean, sd = selected[draw]
            assert cell.text == f"{mean:.2f} ±{sd:.2f}"


def test_cost_coverage_and_failures_once_a_benchmark(tables, evaluations):
    grid = tables[COST]
    assert grid.columns == tuple(
        f"{name} {what}"
        for name in ("bench_1", "bench_2")
        for what in ("seconds", "coverage", "failed")
    )
    cells = [cell.text for cell in rows(grid)["gradalign_plus"]]
    assert cells == ["0.125", "100%", "0", "0.125", f"{53 / 60:.0%}", "7"]
    assert [cell.text for cell in rows(grid)[LACKING]][3:] == ["-", "-", "-"]
    assert [cell.text for cell in rows(grid)["training, 12 epochs"]] == ["-", "100%", "0"] * 2
    assert "training, 12 epochs costs 12 of 200 epochs on CIFAR-10." in grid.notes


def test_one_evaluation_has_no_mean(evaluations):
    grid = grids(compare(evaluations[:1]))[TAU]
    assert grid.columns == ("bench_1 cifar_10",)
    assert all(len(cells) == 1 for cells in rows(grid).values())
    assert not any("mean is over" in note for note in grid.notes)


def test_what_is_not_known_has_no_table():
    """Without params, macs and layers there is no partial tau; of 8 networks none are drawn."""
    found = build.evaluation(n=8, leave_out=("params", "macs", "layers"))
    titles = [grid.title for grid in grids(compare([found]))]
    assert titles == [
        "Kendall's tau-b with trained accuracy",
        "Tau of a score less that of its ablation",
        "Run time a network, share of networks with a value, and failures",
    ]


def test_networks_left_out_are_told(evaluations):
    table = build.truth()
    frame = build.scores(table)
    frame["model"] = frame["model"].replace({"nb201:net3": "nb201:gone", "nb201:net4": "other"})
    found = build.evaluate(frame, table, "cifar_10", name="bench", resamples=0)
    notes = grids(compare([found]))[TAU].notes
    assert "2 scored networks have no cifar_10 in bench and were left out." in notes


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (interval(-0.05, (-0.1234, 0.0004)), "-0.050 [-0.123, 0.000]"),
        (interval(-0.0001, None), "0.000"),
        (interval(0.7, (0.6, 0.8), best=True), "0.700 [0.600, 0.800]*"),
        (interval(None, None), "-"),
        (deviation((93.456, 0.1)), "93.46 ±0.10"),
        (deviation(None), "-"),
    ],
)
def test_cells(cell, text):
    assert cell.text == text


def test_zero_has_no_sign():
    assert [decimal(value) for value in (-0.0, -0.0004, -0.0006)] == ["0.000", "0.000", "-0.001"]
