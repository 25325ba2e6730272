"""The whole study, small: measured, stopped, gone on with, told and drawn."""

import importlib
import json

import pytest
import torch

import gradalign as ga
from gradalign.errors import InputError
from gradalign.report import render
from gradalign.studies import Ledger, Workshop
from gradalign.studies.convergence import CONVERGENCE, Options, run
from gradalign.studies.convergence.measures import MEASURES, SIZES, SUMS
from gradalign.studies.convergence.networks import CHANGES, build, digits
from gradalign.studies.convergence.runs import LATER, SCORED, trained

SMALL = Options(networks=4, seeds=2)


@pytest.fixture
def small(monkeypatch):
    """Stacks of linear layers alone, and the one change of these."""
    own = tuple(change for change in CHANGES if change.space == "mlp")
    for name in ("run", "interventions"):
        module = importlib.import_module(f"gradalign.studies.convergence.{name}")
        monkeypatch.setattr(module, "CHANGES", own)
    monkeypatch.setattr(
        importlib.import_module("gradalign.studies.convergence.run"), "OPTIONS", {"mlp": {}}
    )


def document(folder, progress=None):
    found = run(Workshop(Ledger(folder / "convergence.jsonl"), progress=progress), SMALL)
    del found["seconds"]
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.mark.usefixtures("small")
def test_stopped_and_gone_on_with_it_is_the_same(tmp_path):
    whole = document(tmp_path / "whole")

    def stop(what, done, total):
        if (what, done) == ("intervening", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        document(tmp_path / "stopped", stop)
    assert document(tmp_path / "stopped") == whole
    text = CONVERGENCE.findings(whole)
    assert len(text) == 1 + 4 + 1 + 1 + 2 + 3
    page = render(CONVERGENCE.page(whole))
    for arch in {each["arch"] for each in whole["runs"]}:
        assert f"mlp:{arch}" in page


def test_what_is_measured_is_what_score_gives():
    task = {"space": "mlp", "arch": "16-16", "seed": 3, "done": ""}
    found = trained({**task, "recipe": {"epochs": 2, "learning_rate": 0.05}})
    names = (*MEASURES, *SUMS, *SIZES)
    training, _ = digits()
    batch = training[:SCORED]
    scores = ga.score(
        build("mlp", "16-16", 3), batch=(batch.inputs, batch.targets), proxies=names, device="cpu"
    )
    assert found["measures"]["0"] == pytest.approx({s.proxy: s.value for s in scores})
    assert set(found["measures"]) == {"0", *(str(epoch) for epoch in LATER if epoch <= 2)}
    assert len(found["losses"]) == found["most_steps"] == 32


def test_looking_does_not_change_the_training():
    def losses(epochs):
        torch.manual_seed(0)
        task = {"space": "nb201", "seed": 0, "done": "", "recipe": {"epochs": epochs}}
        cell = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"
        return trained({**task, "arch": cell})

    from gradalign.training import Recipe, train

    found = losses(2)
    cell = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"
    plain = train(build("nb201", cell, 0), *digits(), Recipe(epochs=2), seed=0)
    assert found["accuracy"] == plain.test_accuracy
    assert found["losses"] == pytest.approx(plain.step_losses, abs=1e-5)


@pytest.mark.parametrize("wrong", [{"networks": 3}, {"seeds": 1}])
def test_too_small(wrong):
    with pytest.raises(InputError, match="take at least 4 and 2"):
        Options(**wrong)
