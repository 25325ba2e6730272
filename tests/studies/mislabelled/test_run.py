"""The whole study, small: measured, stopped, gone on with, told and drawn."""

import importlib
import json

import pytest
import torch

from gradalign.errors import InputError
from gradalign.report import render
from gradalign.studies import Ledger, Workshop
from gradalign.studies.mislabelled import MISLABELLED, Options, run
from gradalign.studies.mislabelled.networks import NETWORKS
from gradalign.studies.mislabelled.runs import EPOCH, LOOKS, STEPS, trained
from gradalign.studies.mislabelled.samples import noisy_digits
from gradalign.training import Recipe, train

SMALL = Options(seeds=2)


@pytest.fixture
def small(monkeypatch):
    """Linear layers alone: less than a second a training."""
    module = importlib.import_module("gradalign.studies.mislabelled.run")
    monkeypatch.setattr(module, "NETWORKS", {"linear layers": NETWORKS["linear layers"]})


def document(folder, progress=None):
    found = run(Workshop(Ledger(folder / "mislabelled.jsonl"), progress=progress), SMALL)
    del found["seconds"]
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.mark.usefixtures("small")
def test_stopped_and_gone_on_with_it_is_the_same(tmp_path):
    whole = document(tmp_path / "whole")

    def stop(what, done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        document(tmp_path / "stopped", stop)
    assert document(tmp_path / "stopped") == whole
    assert len(whole["runs"]) == 2
    page = render(MISLABELLED.page(whole))
    for finding in MISLABELLED.findings(whole):
        assert finding.split(":")[0].replace("'", "&#x27;") in page
    assert "linear layers" in page


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_looked_at_before_and_while_it_learns(name):
    recipe = {"epochs": 1, "batch_size": 64, "learning_rate": NETWORKS[name].learning_rate}
    found = trained({"network": name, "seed": 1, "recipe": recipe})
    assert list(found["auc"]) == ["0", str(EPOCH)]
    for each in found["auc"].values():
        assert all(0 <= value <= 1 for value in each.values())
    assert not found["diverged"]


def test_looking_does_not_change_the_training():
    network, seed = NETWORKS["pooling cell"], 2
    recipe = {"epochs": 1, "batch_size": 64, "learning_rate": network.learning_rate}
    found = trained({"network": "pooling cell", "seed": seed, "recipe": recipe})
    samples = noisy_digits(seed)
    torch.manual_seed(5)
    plain = train(network.make(seed), samples.training, samples.test, Recipe(**recipe), seed=seed)
    assert found["accuracy"] == plain.test_accuracy


def test_the_looks_are_part_of_every_training():
    assert STEPS == (0, 10, 30, 100, 300)
    for network in NETWORKS.values():
        assert network.recipe.epochs == LOOKS[-1]


def test_too_few_seeds():
    with pytest.raises(InputError, match="take at least 2"):
        Options(seeds=1)
