"""Finalists: really trained, halved rung by rung, and the same after any interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import optuna
import pytest
import torch
from torch import nn

from gradalign.candidate import Candidate
from gradalign.data import InputSpec
from gradalign.errors import GradalignError, InputError
from gradalign.models import resolve
from gradalign.search.finalists import train_finalists
from gradalign.search.halving import Halving, epochs_of_all, kept, rungs
from gradalign.search.parts import part
from gradalign.search.recipe import RECIPE
from gradalign.training import Recipe, Training, loss_and_accuracy

REPOSITORY = Path(__file__).parents[2]
SHAPE = (1, 8, 8)
SPEC = InputSpec(num_classes=10, shape=SHAPE)
SHORT = Recipe(epochs=4, batch_size=128, learning_rate=0.1)


def stack(name, width, depth=1, dropout=0.2):
    def make(seed):
        layers = [nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Dropout(dropout)]
        for _ in range(depth - 1):
            layers += [nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(width, 10))

    return Candidate(name=name, make=make, spec=SPEC)


class Constant(nn.Module):
    """Learns nothing: its logits have no gradient that would tell classes apart."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        return self.bias.expand(len(x), 10)


def candidates():
    return [
        Candidate(name="constant", make=lambda seed: Constant(), spec=SPEC),
        stack("narrow", 2),
        stack("wide", 64),
        stack("deep", 32, depth=3),
        stack("middle", 16),
    ]


def told(finalists):
    """All that must be equal after an interruption."""
    return json.dumps(finalists.to_dict(), sort_keys=True)


def numbers(finalists):
    """The same without what is never twice equal."""
    document = finalists.to_dict()
    for own in document["networks"]:
        del own["seconds"]
    return document


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("finalists")


@pytest.fixture(scope="module")
def trained(folder):
    return train_finalists(candidates(), recipe=SHORT, folder=folder, seed=2)


def test_halving_goes_by_accuracy_and_not_by_order(trained):
    assert trained.rungs == (1, 2, 4)
    at = {own.candidate.name: own for own in trained.entries}
    first = sorted(at, key=lambda name: -at[name].accuracies[0])
    second = sorted(first[:2], key=lambda name: -at[name].accuracies[1])
    assert {name for name in at if at[name].pruned_at == 1} == set(first[2:])
    assert at[second[1]].pruned_at == 2
    assert trained.winner is at[second[0]]
    assert [len(own.accuracies) for own in trained.entries].count(4) == 1
    assert at["constant"].pruned_at == 1
    for own in trained.entries:
        assert (own.test_accuracy is None) == (own.status == "pruned")
        assert own.seconds > 0


def test_the_accuracies_are_those_of_a_training_without_halving(trained):
    """By the definition: build, train in one piece, look after each epoch."""
    winner = trained.winner
    parts = part("digits", SPEC, 2)
    model = winner.candidate.build(2)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        training = Training(model, parts.training, SHORT, seed=2)
        expected = []
        while not training.finished:
            training.epoch()
            expected.append(loss_and_accuracy(model, parts.validation)[1])
    assert winner.accuracies == expected
    assert winner.test_accuracy == loss_and_accuracy(model, parts.test)[1] > 80
    network = winner.network()
    assert not network.training
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name])


def test_the_order_of_the_networks_changes_nothing_but_ranks(trained, tmp_path):
    turned = train_finalists(candidates()[::-1], recipe=SHORT, folder=tmp_path, seed=2)
    assert turned.winner.candidate.name == trained.winner.candidate.name
    one, other = (
        {own.candidate.name: (own.accuracies, own.pruned_at) for own in each.entries}
        for each in (trained, turned)
    )
    assert one == other
    assert turned.tau == pytest.approx(-trained.tau)


def test_the_same_call_again_only_reads(trained, folder):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = train_finalists(candidates(), recipe=SHORT, folder=folder, seed=2)
    assert told(again) == told(trained)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


class Stopped(BaseException):
    """As Ctrl-C."""


@pytest.mark.parametrize("last", [1, 4, 6, 8, 10])
def test_it_goes_on_where_it_was_stopped(last, trained, tmp_path):
    def stop(done, total):
        assert total == epochs_of_all(5, (1, 2, 4)) == 5 + 2 + 2
        if done == last:
            raise Stopped

    before = torch.get_rng_state()
    if last <= 9:
        with pytest.raises(Stopped):
            train_finalists(candidates(), recipe=SHORT, folder=tmp_path, seed=2, progress=stop)
    again = train_finalists(candidates(), recipe=SHORT, folder=tmp_path, seed=2)
    assert numbers(again) == numbers(trained)
    assert torch.equal(torch.get_rng_state(), before)


def test_each_optuna_trial_is_a_training(trained, folder, tmp_path):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    optuna.create_study(storage=storage, study_name="search")
    for _ in range(2):  # the second call writes the study anew
        train_finalists(
            candidates(), recipe=SHORT, folder=folder, seed=2, storage=storage, study="search-top"
        )
    study = optuna.load_study(study_name="search-top", storage=storage)
    states = {"trained": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
    assert len(study.trials) == 5
    for trial, own in zip(study.trials, trained.entries, strict=True):
        assert trial.user_attrs["model"] == own.candidate.name
        assert trial.state.name == states[own.status]
        expected = dict(enumerate(own.accuracies, start=1))
        assert trial.intermediate_values == expected
        assert trial.value == own.accuracies[-1]
        assert trial.user_attrs.get("test_accuracy") == own.test_accuracy
    assert study.best_trial.user_attrs["model"] == trained.winner.candidate.name
    with pytest.raises(InputError, match="has a study 'search' that trains no finalists"):
        train_finalists(candidates(), folder=folder, storage=storage, study="search")


@pytest.mark.parametrize("n", range(1, 10))
def test_the_pruner_keeps_the_best_half_whatever_their_order(n):
    accuracies = [float((7 * k) % n) for k in range(n)]
    halving = Halving([str(k) for k in range(n)], (1, 2), storage=None, study="halving")
    for number, accuracy in enumerate(accuracies):
        halving.report(number, 1, accuracy)
    best = sorted(range(n), key=lambda k: (-accuracies[k], k))[: max(1, n // 2)]
    assert halving.survivors(dict(enumerate(accuracies))) == sorted(best)
    assert kept(n) == len(best)


def test_of_equal_trainings_those_with_the_better_score_go_on():
    halving = Halving(["a", "b", "c", "d"], (1, 2), storage=None, study="halving")
    for number in range(4):
        halving.report(number, 1, 50.0)
    assert halving.survivors(dict.fromkeys(range(4), 50.0)) == [0, 1]
    assert halving.survivors({}) == []


@pytest.mark.parametrize(("n", "epochs"), [(n, e) for n in (1, 2, 3, 4, 7, 16) for e in (1, 3, 12)])
def test_rungs_rise_to_the_last_epoch(n, epochs):
    found = rungs(n, epochs)
    assert found[-1] == epochs
    assert list(found) == sorted(set(found))
    assert all(late == 2 * early for early, late in pairwise(found[:-1]))
    assert epochs_of_all(n, found) <= n * epochs


def test_one_finalist(tmp_path):
    found = train_finalists([stack("only", 16)], recipe=SHORT, folder=tmp_path)
    assert found.rungs == (4,)
    assert found.winner is found.entries[0]
    assert found.tau is None
    assert found.compared == 1


def test_what_fails_is_recorded_and_the_others_go_on(tmp_path):
    def broken(seed):
        raise RuntimeError("no such layer")

    class Shapeless(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 10)

        def forward(self, x):
            return self.layer(x.flatten(1))

    class Loud(Constant):
        def forward(self, x):
            return super().forward(x) * 1e38 * (1 + x.flatten(1)[:, :1].abs())

    storage = optuna.storages.InMemoryStorage()
    found = train_finalists(
        [
            Candidate(name="broken", make=broken, spec=SPEC),
            stack("good", 32),
            Candidate(name="shapeless", make=lambda seed: Shapeless(), spec=SPEC),
            Candidate(name="loud", make=lambda seed: Loud(), spec=SPEC),
            Candidate(name="no module", make=lambda seed: 3, spec=SPEC),
        ],
        recipe=SHORT,
        folder=tmp_path,
        storage=storage,
    )
    reasons = [own.reason for own in found.entries]
    assert reasons[0] == "building 'broken' raised RuntimeError: no such layer"
    assert "shapes cannot be multiplied" in reasons[2]
    assert reasons[3] == "the loss is no longer finite in epoch 1"
    assert "gave a int" in reasons[4]
    assert [own.status for own in found.entries] == ["failed", "trained", *["failed"] * 3]
    assert found.winner.candidate.name == "good"
    assert found.compared == 1
    with pytest.raises(InputError, match="'broken' is not trained: building"):
        found.entries[0].network()
    trials = optuna.load_study(study_name="finalists", storage=storage).trials
    assert [trial.user_attrs.get("reason") for trial in trials] == reasons
    frame = found.to_frame()
    assert frame["status"].tolist() == [own.status for own in found.entries]
    assert json.loads(told(found))["winner"] == "good"


def test_what_is_not_the_fault_of_a_network_ends_the_call(tmp_path, monkeypatch):
    def complain(done, total):
        raise RuntimeError("no terminal")

    with pytest.raises(RuntimeError, match="no terminal"):
        train_finalists([stack("one", 8)], recipe=SHORT, folder=tmp_path, progress=complain)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GradalignError, match="cannot write the checkpoint"):
        train_finalists([stack("one", 8)], recipe=SHORT, folder=tmp_path / "file")


def test_where_all_fail_there_is_no_winner(tmp_path):
    found = train_finalists(
        [Candidate(name=str(k), make=lambda seed: nn.ReLU(), spec=SPEC) for k in range(4)],
        recipe=SHORT,
        folder=tmp_path,
    )
    assert found.winner is None
    assert {own.status for own in found.entries} == {"failed"}
    assert found.to_dict()["winner"] is None


def test_other_trainings_may_lie_in_the_folder(tmp_path):
    once = train_finalists([stack("one", 8)], recipe=SHORT, folder=tmp_path)
    for change in ({"seed": 1}, {"recipe": Recipe(epochs=2)}):
        options = {"recipe": SHORT, "seed": 0, **change}
        train_finalists([stack("one", 8)], folder=tmp_path, **options)
    train_finalists([stack("one", 9)], recipe=SHORT, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
    more = train_finalists([stack("two", 4), stack("one", 8)], recipe=SHORT, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 5
    longest = max(len(own.accuracies) for own in more.entries)
    assert longest == 4
    known = more.entries[1].accuracies
    assert known == once.entries[0].accuracies[: len(known)]


def test_bad_input(tmp_path):
    one = [stack("one", 8)]
    with pytest.raises(InputError, match="no network is given"):
        train_finalists([], folder=tmp_path)
    with pytest.raises(InputError, match="the device 'abacus' cannot be used"):
        train_finalists(one, folder=tmp_path, device="abacus")
    with pytest.raises(InputError, match="no file"):
        train_finalists(one, folder=tmp_path, data="npz:/nowhere.npz")
    train_finalists(one, recipe=SHORT, folder=tmp_path)
    (checkpoint,) = tmp_path.iterdir()
    checkpoint.write_bytes(b"\0" * 100)
    with pytest.raises(InputError, match="damaged one: remove it to train anew"):
        train_finalists(one, recipe=SHORT, folder=tmp_path)


KILLED = """
import sys
import torch
from pathlib import Path
torch.set_num_threads(1)
from tests.search.test_finalists import SHORT, candidates, numbers
from gradalign.search.finalists import train_finalists
folder, storage = sys.argv[1:]
found = train_finalists(candidates(), recipe=SHORT, folder=Path(folder), seed=2, storage=storage,
    progress=lambda done, total: print(done, flush=True))
"""


def test_killed_at_any_time_it_ends_in_the_same(trained, tmp_path):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    folder = tmp_path / "checkpoints"
    for last in ("2", "8"):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder), storage],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path])},
        )
        for line in process.stdout:
            if line.strip() == last:
                time.sleep(0.003)  # somewhere in the next epoch, or in writing
                process.send_signal(signal.SIGKILL)
                break
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
    found = train_finalists(candidates(), recipe=SHORT, folder=folder, seed=2, storage=storage)
    assert numbers(found) == numbers(trained)
    states = [
        t.state.name for t in optuna.load_study(study_name="finalists", storage=storage).trials
    ]
    assert "RUNNING" not in states
    assert not [path for path in folder.iterdir() if len(path.stem) != 16 or path.suffix != ".pt"]


@pytest.mark.slow
def test_the_default_recipe_trains_cells_on_the_digits(tmp_path):
    cells = (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        "|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|",
        "|nor_conv_1x1~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_1x1~1|none~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    )
    found = train_finalists(
        [
            resolve(f"nb201:{arch}", build={"channels": 8, "cells": 1}, input_size=(3, 16, 16))
            for arch in cells
        ],
        folder=tmp_path,
    )
    assert found.recipe == RECIPE
    assert found.winner.rank <= 2
    assert found.winner.test_accuracy > 97
    assert found.entries[3].pruned_at == found.rungs[0]
