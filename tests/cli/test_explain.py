"""`gradalign explain`."""

import io

import pandas as pd
import pytest
from tests.cli.commands import CELL, DEAD, OTHER

MODEL, SECOND = f"nb201:{CELL}", f"nb201:{OTHER}"
SMALL = ("--build", "channels=4", "--build", "cells=1", "--input-size", "8")


def test_json_holds_everything(gradalign):
    options = ("--edits", "3", "--repeats", "2", "--against", SECOND, "--format", "json")
    done = gradalign("explain", MODEL, *SMALL, *options)
    assert (done.code, done.err) == (0, "")
    document = done.document
    assert {"model", "protocols", "scores", "findings", "layers", "classes", "samples"} <= set(
        document
    )
    assert document["model"] == MODEL
    assert len(document["cosines"]) == 32
    assert document["edits"]["known"] > len(document["edits"]["changes"]) == 3
    assert document["against"]["explanation"]["model"] == SECOND
    change = document["against"]["change"]["differences"]["gradalign_plus"]
    assert change["mean"] == pytest.approx(change["after"] - change["before"])


def test_contributions_of_the_document_add_up_to_what_score_says(gradalign):
    explained = gradalign("explain", MODEL, *SMALL, "--edits", "0", "--format", "json").document
    scored = gradalign("score", MODEL, *SMALL, "--format", "json").document
    values = {record["proxy"]: record["value"] for record in scored["scores"]}
    told = {name for row in explained["layers"] for name in row["contributions"]}
    assert {"gradalign_i", "gradalign_ii", "gradalign_plus"} <= told
    for name in told:
        terms = sum(row["contributions"].get(name, 0.0) for row in explained["layers"])
        assert terms + explained["rest"][name] == pytest.approx(values[name], rel=1e-6), name
    protocols = {record["proxy"]: record["protocol"] for record in scored["scores"]}
    assert protocols == {record["proxy"]: record["protocol"] for record in explained["scores"]}


def test_the_terminal_shows_findings_layers_and_edits(gradalign):
    done = gradalign("explain", MODEL, *SMALL, "--edits", "4", "--repeats", "2")
    assert done.code == 0
    assert "32 samples of digits, 10 classes" in done.out
    assert "\n* " in done.out
    assert "Layers, in forward order" in done.out
    assert "What changes do to gradalign_plus" in done.out
    assert " -> " in done.out


def test_csv_is_the_layers(gradalign):
    done = gradalign("explain", MODEL, *SMALL, "--edits", "0", "--format", "csv")
    frame = pd.read_csv(io.StringIO(done.out))
    assert frame["name"].iloc[0] == "stem.0"
    assert {"position", "conflict_fraction", "gradalign_plus"} <= set(frame.columns)


def test_the_page_is_one_file(gradalign, tmp_path):
    page = tmp_path / "page.html"
    done = gradalign("explain", MODEL, *SMALL, "--edits", "2", "--repeats", "2", "--out", str(page))
    assert done.code == 0
    assert f"Page: {page}" in done.out
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert MODEL in text


def test_a_network_of_the_users_own_is_explained(gradalign, tmp_path):
    file = tmp_path / "nets.py"
    file.write_text(
        "from torch import nn\n"
        "def net():\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(768, 8), nn.ReLU(), nn.Linear(8, 10))\n"
    )
    document = gradalign("explain", f"{file}:net", "--format", "json").document
    assert [row["name"] for row in document["layers"]] == ["1", "3"]
    assert document["edits"]["changes"] == []


def test_a_token_model_is_explained(gradalign, tmp_path):
    file = tmp_path / "words.py"
    file.write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.words, self.head = nn.Embedding(50, 8), nn.Linear(8, 10)\n"
        "    def forward(self, input_ids):\n"
        "        return self.head(self.words(input_ids).mean(1))\n"
    )
    options = ("--data", "noise", "--edits", "0", "--format", "json")
    document = gradalign("explain", f"{file}:Net", *options).document
    assert [row["name"] for row in document["layers"]] == ["head"]


def test_a_network_that_cannot_be_measured_is_exit_code_1(gradalign, tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("from torch import nn\ndef net():\n    return nn.Linear(3, 10)\n")
    done = gradalign("explain", f"{file}:net")
    assert done.code == 1
    assert "cannot be explained" in done.complaint


def test_a_network_without_gradient_says_why(gradalign):
    done = gradalign("explain", f"nb201:{DEAD}", *SMALL, "--edits", "0")
    assert done.code == 0
    assert "gets no gradient" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nosuch:thing",), "nosuch"),
        ((MODEL, "--by", "nonsense"), "nonsense"),
        ((MODEL, "--proxies", "nonsense"), "nonsense"),
        ((MODEL, "--against", "nosuch:thing"), "nosuch"),
        ((MODEL, "--out", "/nowhere/at/all.html"), "cannot write"),
    ],
)
def test_bad_input_is_one_line(gradalign, arguments, said):
    done = gradalign("explain", *arguments, "--edits", "0")
    assert done.code == 2
    assert said in done.complaint
