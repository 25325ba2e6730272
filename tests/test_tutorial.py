"""The tutorial runs from its first cell to its last, and what its text says is what it prints."""

from __future__ import annotations

import ast
import json
import re
from html import unescape
from pathlib import Path

import pytest
import torch

NOTEBOOK = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"
CELLS = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]
TEXT = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown"]
ESTIMATE = re.compile(r"[+-]?\d+\.\d+ \[[^\]]+\]")
"""A figure with its interval, as the cells print it and the text quotes it."""


def outputs(cell) -> str:
    """All texts that a cell put out."""
    parts = []
    for output in cell["outputs"]:
        parts += output.get("text", [])
        for kind in ("text/plain", "text/html"):
            parts += output.get("data", {}).get(kind, [])
    return unescape("".join(parts))


PRINTED = "\n".join(map(outputs, CODE))


def test_every_cell_that_shows_something_has_its_output():
    for cell in CODE:
        source = "".join(cell["source"])
        shows = "print(" in source or isinstance(ast.parse(source).body[-1], ast.Expr)
        assert bool(cell["outputs"]) == shows, cell["id"]


def test_cells_were_run_once_in_order_without_a_word_on_stderr():
    assert [cell["execution_count"] for cell in CODE] == list(range(1, len(CODE) + 1))
    for cell in CODE:
        for output in cell["outputs"]:
            assert output["output_type"] != "error", cell["id"]
            assert output.get("name") != "stderr", cell["id"]


def test_nothing_in_it_is_of_the_machine_that_ran_it():
    text = NOTEBOOK.read_text("utf-8")
    assert len(text) < 100_000
    assert not re.search(r"/home/|/tmp/|/root/|/usr/|site-packages| at 0x[0-9a-f]", text)
    assert all(set(cell["metadata"]) <= {"tags"} for cell in CELLS)


@pytest.mark.parametrize("number", range(len(TEXT)))
def test_quoted_estimates_were_printed(number):
    for quoted in ESTIMATE.findall(" ".join(TEXT[number].split())):
        assert quoted.replace(" points", "") in PRINTED, quoted


def test_estimates_are_quoted_at_all():
    assert len(ESTIMATE.findall(" ".join(" ".join(TEXT).split()))) >= 10


@pytest.fixture(scope="module")
def after(tmp_path_factory):
    """What all cells have defined, run in one namespace in an empty folder."""
    names: dict[str, object] = {"__name__": "tutorial"}
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng([]):
        patch.chdir(tmp_path_factory.mktemp("tutorial"))
        try:
            for cell in CODE:
                exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
        finally:
            torch.set_num_threads(threads)
    return names


@pytest.mark.slow
def test_the_ranking_is_the_one_in_the_text(after):
    ranking = after["ranking"]
    assert [entry.model for entry in ranking.entries] == [
        "residual",
        "wide",
        "narrow",
        "attention",
    ]
    assert ranking.inseparable == []  # "every pair is told apart"
    assert [entry.model for entry in after["orders"]["macs"].entries][:2] == ["residual", "wide"]
    open_pairs = {name: len(found.inseparable) for name, found in after["orders"].items()}
    assert (open_pairs["gradalign_i_mean"], open_pairs["conflict_fraction"]) == (6, 4)


@pytest.mark.slow
def test_training_bears_the_large_step_out_and_the_small_ones_not(after):
    mean = after["trained"].mean()
    assert mean[["wide", "residual"]].min() > mean[["narrow", "attention"]].max() + 15
    assert mean["residual"] < mean["wide"] + 1  # the score: five to one


@pytest.mark.slow
def test_the_score_is_worth_a_count_of_parameters_on_the_own_space(after):
    own = after["own"]
    assert len(after["table"]) == own.n == 40
    assert after["table"]["params"].max() <= 12_000
    score, size = own.row("gradalign_plus"), own.row("params")
    assert abs(score.kendall_tau - size.kendall_tau) < 0.1
    assert score.partial_tau_ci[0] > 0
    assert score.picked == size.picked
    assert own.row("conflict_fraction").kendall_tau_ci[0] < 0


@pytest.mark.slow
def test_the_benchmarks_say_what_the_text_says(after):
    assert after["public"].row("gradalign_plus").partial_tau_ci[0] > 0.4
    low, high = after["six_epochs"].row("gradalign_plus").kendall_tau_ci
    assert low < 0 < high
