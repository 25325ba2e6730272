"""`gradalign rank`."""

import io

import pandas as pd
from tests.cli.commands import CELL, DEAD, OTHER, SMALL

MODELS = (f"nb201:{CELL}", f"nb201:{OTHER}")
FAILING = f"nb201:{DEAD}"


def test_json_has_the_documented_keys(gradalign):
    done = gradalign("rank", *MODELS, *SMALL, "--repeats", "3", "--format", "json")
    assert (done.code, done.err) == (0, "")
    document = done.document
    assert {"protocols", "by", "ranking", "inseparable", "tau_with"} <= set(document)
    assert document["by"] == "gradalign_plus"
    assert [entry["rank"] for entry in document["ranking"]] == [1, 2]
    for entry in document["ranking"]:
        assert entry["model"] in MODELS
        low, high = entry["rank_interval"]
        assert low <= entry["rank"] <= high
        assert set(entry["scores"]["gradalign_plus"]) >= {"value", "stderr", "status"}
    assert set(document["tau_with"]) == {"params", "macs", "layers"}


def test_the_same_model_twice_cannot_be_told_apart(gradalign):
    same = (MODELS[0], MODELS[0])
    document = gradalign("rank", *same, *SMALL, "--repeats", "3", "--format", "json").document
    assert document["inseparable"] == [list(same)]


def test_the_table_is_whole_and_says_what_the_order_is_worth(gradalign):
    done = gradalign("rank", *MODELS, *SMALL, "--repeats", "2")
    assert done.code == 0
    for model in MODELS:
        assert sum(line.startswith(model) for line in done.out.splitlines()) == 1
    assert "Kendall's tau of this order" in done.out


def test_another_score_orders_and_csv_can_be_read_back(gradalign):
    options = ("--repeats", "2", "--by", "mine", "--combine", "mine=params+macs", "--format", "csv")
    frame = pd.read_csv(io.StringIO(gradalign("rank", *MODELS, *SMALL, *options).out))
    assert list(frame["rank"]) == [1, 2]
    assert frame["mine"].is_monotonic_decreasing


def test_a_failed_model_comes_last_with_exit_code_1(gradalign):
    done = gradalign("rank", FAILING, *MODELS, *SMALL, "--repeats", "2", "--format", "json")
    assert done.code == 1
    assert done.document["ranking"][-1]["model"] == FAILING
    assert "no_gradient" in done.complaint


def test_the_page_is_written(gradalign, tmp_path):
    page = tmp_path / "rank.html"
    done = gradalign("rank", *MODELS, *SMALL, "--repeats", "2", "--out", str(page))
    assert done.code == 0
    assert f"Page: {page}" in done.out
    assert all(model.partition(":")[2] in page.read_text() for model in MODELS)
