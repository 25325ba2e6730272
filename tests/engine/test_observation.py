"""Collectors that look on: one forward for all of them, and the fault of one is its own."""

import pytest
import torch
from torch import nn

import gradalign as ga
from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.engine._observe import Watch
from gradalign.engine.collectors import _watch
from gradalign.errors import InputError, UndefinedScore, UnsupportedError
from gradalign.probe import Probe

WATCHED = [name for names in _watch._MAKERS for name in names]


class Counting(nn.Module):
    """A small network that counts how often it is run on the whole batch."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.head = nn.Linear(4, 3)
        self.runs = 0

    def forward(self, x):
        self.runs += len(x) == N
        return self.head(self.net(x))


N = 6


def batch():
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.randn(N, 3, 6, 6, generator=generator), torch.arange(N) % 3)


def test_all_that_look_on_share_the_forward_of_the_pass():
    net = Counting()
    collect(net, batch(), Probe(), ["gram", *WATCHED], check="never")
    assert net.runs == 1


def test_without_a_pass_they_share_one_of_their_own():
    net = Counting()
    collect(net, batch(), Probe(), WATCHED)
    assert net.runs == 1


@pytest.mark.parametrize("backend", ["hooks", "vmap", "loop"])
@pytest.mark.parametrize("norm", ["batch_fixed", "sample", "frozen"])
@pytest.mark.parametrize("name", WATCHED)
def test_at_the_pass_they_see_what_they_see_by_themselves(name, norm, backend):
    net, probe = Counting().double(), Probe(norm=norm, dtype="float64")
    alone = collect(net, batch(), probe, [name]).values[name]
    both = collect(net, batch(), probe, [name, "gram"], backend=backend).values[name]
    torch.testing.assert_close(both, alone)


def test_a_fault_of_one_leaves_the_others(monkeypatch):
    class Broken(Watch):
        def __init__(self, conditions):
            pass

        def on_output(self, module, out):
            raise UndefinedScore("broken")

    monkeypatch.setitem(_watch._MAKERS, ("logits",), Broken)
    stats = collect(Counting(), batch(), Probe(), ["gram", *WATCHED], lenient=True)
    assert set(stats.failures) == {"logits"}
    assert set(WATCHED) - {"logits"} <= set(stats.values)
    with pytest.raises(UndefinedScore, match="broken"):
        stats.tensor("logits")
    with pytest.raises(UndefinedScore, match="broken"):
        collect(Counting(), batch(), Probe(), ["gram", *WATCHED])


def test_a_collector_that_cannot_be_had_costs_the_others_no_pass():
    """`response_correlations` asks for a list of layers, which this network has not."""
    net = Counting()
    needs = ["gram", "logits", "response_correlations"]
    stats = collect(net, batch(), Probe(), needs, check="never", lenient=True)
    assert net.runs == 1
    assert isinstance(stats.failures["response_correlations"], UnsupportedError)
    records = ga.score(net, batch(), proxies=["gradalign_ii", "epe_nas", "wrcor"])
    assert [each.status for each in records] == ["ok", "ok", "unsupported"]


def test_where_the_pass_fails_what_looks_on_stands():
    net = nn.Sequential(nn.Conv2d(3, 4, 6), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    with pytest.raises(UnsupportedError, match="no variance"):
        collect(net, batch(), Probe(norm="sample"), ["gram", "weights", "macs"])
    stats = collect(net, batch(), Probe(norm="sample"), ["gram", "weights"], lenient=True)
    assert len(stats.weights) == 1
    with pytest.raises(UnsupportedError, match="no variance"):
        _ = stats.gram
    with pytest.raises(UnsupportedError, match="no variance"):
        _ = stats.only(["gram"]).gram


def test_what_is_wrong_with_the_batch_is_told_at_once():
    wrong = Batch(torch.randn(N, 3, 6, 6), torch.arange(N))  # three outputs, six labels
    with pytest.raises(InputError, match="label"):
        collect(Counting(), wrong, Probe(), ["gram", "logits"], lenient=True)
