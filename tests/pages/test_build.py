"""The page about records, as a browser reads it."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from tests.pages.records import NAMES, PROTOCOLS, failed, frame, mlps, nb201, score, scored
from tests.report.reader import Reader

from gradalign.benchmarks import get_benchmark
from gradalign.comparison import aggregates_of, difference, evaluated, inseparable
from gradalign.errors import InputError
from gradalign.pages import records_page
from gradalign.pages.part import POINTS
from gradalign.report import render

HOSTILE = "</script><script>alert(1)</script>\"'&<b>"


def page(records, **options):
    return records_page(frame(records), PROTOCOLS, name="a.db", **options)


def read(records, **options):
    return Reader(render(page(records, **options)))


@pytest.fixture(scope="module")
def records():
    models = nb201(40)
    found = scored(models)
    found[2] = failed(models[0], NAMES[2], "timeout", "took longer than 60 s")
    found[9] = failed(models[1], NAMES[2], "timeout", "took longer than 60 s")
    found[-1] = failed(models[-1], NAMES[-1], "unsupported", "no rule for it")
    return [*found, *(failed(f"nb201:{k}", NAMES[0], "error", f"no cell {k}") for k in range(2))]


@pytest.fixture(scope="module")
def shown(records):
    return read(records)


@pytest.fixture(scope="module")
def found(records):
    """What the evaluation says for the first accuracy."""
    scores = frame(records)
    table = get_benchmark("nb201")
    return evaluated(scores, table, "cifar10", aggregates=aggregates_of(scores))


def test_the_table_holds_the_figures_of_the_evaluation(shown, found):
    table = shown.table("score")
    assert [*table] == [row.proxy.split(" ")[0] for row in found.rows]
    two = "{:.2f}".format
    for row in found.rows:
        cells = table[row.proxy.split(" ")[0]]
        low, high = row.kendall_tau_ci
        tau = f"{two(row.kendall_tau)} {two(low)} to {two(high)}".replace("-0.00", "0.00")
        assert cells["tau cifar10"] == tau
        assert cells["rho"].split(" ")[0] == two(row.spearman_rho).replace("-0.00", "0.00")
        assert cells["picks (%)"] == two(row.picked)
        assert cells["nDCG@10 %"] == two(row.ndcg10)
        assert cells["precision top 5 %"] == two(row.precision5)
        assert cells["weighted tau"] == two(row.weighted_tau).replace("-0.00", "0.00")
        failures = f" {row.failed} failed" if row.failed else ""
        assert cells["coverage"] == f"{int(1000 * row.coverage) / 10:g} %{failures}"


def test_what_cannot_be_told_apart_from_the_best_is_marked(shown, found):
    _, *rows = next(table for table in shown.tables if table[0][0] == "score")
    near = inseparable(found)
    best = next(row.proxy for row in found.rows if row.cost is None)
    marked = {cells[0].split(" ")[0]: cells[0].partition(" ")[2] for cells in rows}
    for row in found.rows:
        if row.cost is None:
            expected = "best" if row.proxy == best else "≈ best" * (row.proxy in near)
            assert marked[row.proxy] == expected
            pair = difference(found, best, row.proxy)
            cell = shown.table("score")[row.proxy]["p to the best"]
            assert cell == ("-" if pair is None else f"{pair.p_holm:.3f}") or cell == "<0.001"
    assert 0 < len(near) < len(rows)


def test_every_accuracy_of_the_table_can_be_chosen_but_short_training(shown):
    text = " ".join(shown.texts)
    assert re.findall(r"\S+ of nb201(?= |$)", text)
    values = [attributes["value"] for tag, attributes in shown.elements if tag == "option"]
    assert values == ["0 0", "0 1", "0 2"]
    assert "cifar10_12epochs of" not in text


def test_every_failure_is_shown(shown):
    rows = {row[1]: row for table in shown.tables if table[0][0] == "status" for row in table[1:]}
    assert rows["took longer than 60 s"][:4] == ["timeout", "took longer than 60 s", "2", "2"]
    assert rows["no rule for it"][2:4] == ["1", "1"]
    assert rows["no cell 0"][5] == "nb201:0"
    assert sum(int(row[2]) for row in rows.values()) == 5
    assert "5 of 282 records have no value" in shown.text


def test_charts_have_a_point_for_each_network_and_a_line_for_each_leader(shown, found):
    (part,) = shown.data["parts"]
    assert len(part["networks"]) == 42
    assert len(part["scatters"]) == len(found.rows) - 1  # short training has none
    names = [trace["name"] for trace in part["views"][0]["curves"]["data"]]
    assert names[-2:] == ["oracle", "random"]
    assert {"params", "macs", "layers"} < set(names)
    assert sum(row.cost is not None for row in found.rows) == 1
    assert next(row.proxy for row in found.rows if row.cost is not None) in names
    curves = {trace["name"]: trace["y"] for trace in part["views"][0]["curves"]["data"]}
    for row in found.rows:
        if row.proxy in curves:
            assert curves[row.proxy][-1] == pytest.approx(row.picked, rel=1e-5)
    for draw, selected in found.baselines["oracle"].items():
        xs = next(t["x"] for t in part["views"][0]["curves"]["data"] if t["name"] == "oracle")
        if draw in xs:
            assert curves["oracle"][xs.index(draw)] == pytest.approx(selected.mean, rel=1e-5)


def test_conditions_seeds_and_versions_are_said(shown):
    text = shown.text
    for part in ("one batch of 16 digits", "norm=batch_fixed", "aaaa11112222", "torch", "licence"):
        assert part in text


def test_loads_nothing_and_nothing_breaks_out():
    models = nb201(3)
    records = [
        *scored(models),
        failed(f"nb201:{HOSTILE}", "naswot", reason=HOSTILE),
        score(f"my.{HOSTILE}:make", "naswot", 1.0),
    ]
    text = render(page(records))
    shown = Reader(text)
    shown.assert_loads_nothing()
    assert "alert(1)</script>" not in text
    assert len(shown.raw["script"]) == 3
    assert any(row[1] == HOSTILE for table in shown.tables for row in table if len(row) > 1)
    assert any(HOSTILE in name for name in shown.data["parts"][0]["networks"])


def test_without_a_benchmark_the_scores_are_shown_alone():
    records = scored(mlps(12))
    shown = read(records)
    table = shown.table("score")
    values = frame(records).query("proxy == 'naswot'")["value"]
    assert float(table["naswot"]["median"]) == pytest.approx(values.median(), rel=1e-3)
    assert table["naswot"]["networks"] == "12"
    (part,) = shown.data["parts"]
    assert part["views"][0]["accuracies"] is None
    assert part["views"][0]["curves"] is None
    assert "No accuracies of these networks are at hand" in shown.text


def test_spaces_are_told_apart():
    made = page([*scored(mlps(4)), *scored(nb201(6))])
    assert [part.name for part in made.parts] == ["6 of nb201", "4 of mlp"]
    assert [len(part.views) for part in made.parts] == [3, 1]


@pytest.mark.parametrize(
    "records",
    [
        [failed(model, name) for model in nb201(4) for name in NAMES],
        [failed(model, name) for model in mlps(2) for name in NAMES],
        scored(nb201(1)),
        scored(mlps(1)),
        scored(mlps(1), ["naswot"]),
    ],
    ids=["nb201, all failed", "mlp, all failed", "one of nb201", "one mlp", "one record"],
)
def test_little_is_enough(records):
    shown = read(records)
    count = len({record.model for record in records})
    assert len(shown.data["parts"][0]["networks"]) == count
    assert shown.table("score")


def test_values_of_several_seeds_are_means_and_their_spread_is_told():
    models = nb201(30)
    records = [
        *scored(models, seed=1),
        *(score(r.model, r.proxy, r.value, seed=1) for r in scored(models, seed=2)),
    ]
    shown = read(records)
    found = evaluated(frame(records), get_benchmark("nb201"), "cifar10")
    cells = shown.table("score")["naswot"]
    assert cells["sd over seeds"] == f"{found.row('naswot').tau_sd_over_seeds:.2f}"
    assert "0, 1; a network's value is the mean over them" in shown.text
    (part,) = shown.data["parts"]
    names = [s["figure"]["data"][0]["x"] for s in part["scatters"]]
    mean = frame(records).query("proxy == 'naswot'").groupby("model", sort=False)["value"].mean()
    assert [pytest.approx(v, abs=1e-5) for v in mean] in names


def test_many_networks_are_thinned_and_the_page_says_so():
    models = [f"mlp:{k}" for k in range(10_000)]
    text = render(page(scored(models, ["naswot", "params", "macs"])))
    shown = Reader(text)
    assert len(text) < 6e6
    assert len(shown.data["parts"][0]["networks"]) == POINTS
    assert "1,000 of the 10,000 are shown, drawn at random" in shown.text
    assert shown.table("score")["naswot"]["networks"] == "10,000"


def test_a_file_of_ones_own_is_compared_with(tmp_path):
    models = mlps(20)
    path = tmp_path / "mine.csv"
    archs = [model.partition(":")[2] for model in models]
    pd.DataFrame({"arch": archs, "bleu": np.linspace(0.1, 0.9, 20)}).to_csv(path, index=False)
    made = page(scored(models), benchmark=str(path))
    (view,) = made.parts[0].views
    assert view.name == "bleu of mine"
    assert not view.accuracies.percent
    json.dumps(view.accuracies.layout, allow_nan=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "cifar11"}, "no benchmark at hand has a value of 'cifar11'"),
        ({"benchmark": "nb201", "metric": "cifar11"}, "no metric 'cifar11'"),
        ({"benchmark": "no_such"}, "unknown benchmark"),
        ({"benchmark": "nb_macro"}, "nb_macro"),
    ],
)
def test_what_was_asked_for_and_is_not_there_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        page(scored(nb201(4)), **options)


def test_one_metric_can_be_chosen():
    made = page(scored(nb201(5)), metric="cifar100")
    assert [view.name for view in made.parts[0].views] == ["cifar100 of nb201"]


def test_no_records_make_no_page():
    with pytest.raises(InputError, match="holds no record"):
        page([])
