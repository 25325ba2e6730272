"""`gradalign score`."""

import io
import math

import pandas as pd
import pytest
from tests.cli.commands import CELL, DEAD, OTHER, SMALL

from gradalign.scorer import DEFAULT_PROXIES
from gradalign.spaces import SPACES

A, B, FAILING = f"nb201:{CELL}", f"nb201:{OTHER}", f"nb201:{DEAD}"


def test_json_is_one_document_with_the_documented_keys(gradalign):
    done = gradalign("score", A, B, *SMALL, "--format", "json")
    assert (done.code, done.err) == (0, "")
    document = done.document
    assert set(document) == {"protocols", "scores"}
    keys = {"model", "proxy", "value", "stderr", "status", "reason", "seconds", "seed", "protocol"}
    assert all(keys <= set(score) for score in document["scores"])
    order = [(score["model"], score["proxy"]) for score in document["scores"]]
    assert order == [(model, proxy) for model in (A, B) for proxy in DEFAULT_PROXIES]
    conditions = document["protocols"][document["scores"][0]["protocol"]]
    assert conditions["batch_size"] == 4
    assert conditions["input_size"] == [3, 8, 8]
    assert conditions["build"] == [["cells", "1"], ["channels", "2"]]


def test_the_same_model_twice_is_not_merged(gradalign):
    done = gradalign("score", A, A, *SMALL, "--proxies", "params", "--format", "json")
    values = [score["value"] for score in done.document["scores"]]
    assert len(values) == 2
    assert values[0] == values[1] > 0


def test_a_piped_table_cuts_no_name_and_wraps_no_line(gradalign):
    done = gradalign("score", A, B, *SMALL, "--proxies", "all")
    header, _, first, second = done.out.splitlines()[:4]
    assert "gradalign_plus_ablation" in header
    assert first.startswith(A)
    assert second.startswith(B)
    assert "…" not in done.out


def test_a_failure_is_shown_with_its_reason_and_exit_code_1(gradalign):
    done = gradalign("score", A, FAILING, *SMALL, "--proxies", "gradalign_i,params")
    assert done.code == 1
    assert "no_gradient" in done.out
    assert "no gradient reaches the weights" in done.out
    assert done.complaint.startswith("1 of 4 scores failed; no_gradient: ")
    document = gradalign("score", FAILING, *SMALL, "--format", "json").document
    failed = document["scores"][0]
    assert (failed["status"], failed["value"]) == ("no_gradient", None)


def test_combinations_stand_apart_from_scores(gradalign):
    options = ("--proxies", "params", "--combine", "mine=macs+params", "--format", "json")
    document = gradalign("score", A, B, *SMALL, *options).document
    scores = {(score["model"], score["proxy"]): score["value"] for score in document["scores"]}
    expected = [
        math.log(sum(scores[model, proxy] >= scores[other, proxy] for other in (A, B)) / 2)
        for model in (A, B)
        for proxy in ("macs", "params")
    ]
    assert [(each["model"], each["aggregate"]) for each in document["aggregates"]] == [
        (A, "mine"),
        (B, "mine"),
    ]
    values = [each["value"] for each in document["aggregates"]]
    assert values == pytest.approx([sum(expected[:2]), sum(expected[2:])])
    assert values[0] != values[1]
    assert {score["proxy"] for score in document["scores"]} == {"params", "macs"}


def test_csv_can_be_read_back(gradalign):
    done = gradalign("score", A, B, *SMALL, "--combine", "gradalign_rank_sum", "--format", "csv")
    frame = pd.read_csv(io.StringIO(done.out))
    assert list(frame.columns[:3]) == ["model", "proxy", "value"]
    assert set(frame["proxy"]) == {*DEFAULT_PROXIES, "gradalign_rank_sum"}
    assert set(frame["model"]) == {A, B}


def test_models_come_from_a_file_too(gradalign, tmp_path):
    (tmp_path / "models.txt").write_text(f"# mine\n{B}\n\n")
    options = ("--models", "models.txt", "--proxies", "params", "--format", "json")
    document = gradalign("score", A, *options, *SMALL).document
    assert [score["model"] for score in document["scores"]] == [A, B]


def test_a_factory_of_the_current_folder(gradalign, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "def net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 10))\n"
    )
    options = ("--input-size", "8", "--proxies", "gradalign_i,params", "--format", "json")
    done = gradalign("score", "mine.py:net", *options)
    assert done.code == 0
    assert done.document["scores"][1]["value"] == 3 * 64 * 10 + 10


def test_equal_seeds_give_equal_scores(gradalign):
    def values(seed):
        options = ("--seed", seed, "--proxies", "gradalign_i,gradalign_ii", "--format", "json")
        return [
            score["value"] for score in gradalign("score", A, *SMALL, *options).document["scores"]
        ]

    assert values("3") == values("3") != values("4")


@pytest.mark.parametrize("space", sorted(SPACES))
def test_every_space_is_scored_by_name(gradalign, space):
    model = f"{space}:{SPACES[space].example}"
    run = gradalign(
        *("score", model, "--proxies", "gradalign_ii,params", "--batch-size", "4"),
        *("--input-size", "32", "--num-classes", "10", "--format", "json"),
    )
    assert run.code == 0, run.err
    records = run.document["scores"]
    assert [record["model"] for record in records] == [model, model]
    assert all(record["status"] == "ok" for record in records)
