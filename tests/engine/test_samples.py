"""Statistics of single samples, and of some of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import gradalign as ga
from gradalign.errors import UndefinedScore
from gradalign.statistics import SAMPLE_AXES


@pytest.mark.parametrize("backend", ["hooks", "vmap", "loop"])
def test_losses_are_those_of_the_samples(net, batch, backend):
    stats = ga.collect(net, batch, ga.Probe(norm="frozen"), ("losses", "gram"), backend=backend)
    expected = nn.functional.cross_entropy(net.eval()(batch[0]), batch[1], reduction="none")
    assert torch.allclose(stats.tensor("losses"), expected.detach().double(), atol=1e-6)


def test_equal_inputs_point_to_the_first_of_them(net, batch):
    x, y = batch
    x[5], x[7] = x[2], x[2]
    found = ga.collect(net, (x, y), ga.Probe(), ("first_equal",)).tensor("first_equal")
    assert found.tolist() == [0, 1, 2, 3, 4, 2, 6, 2, 8]


def test_inputs_of_several_tensors_are_equal_in_all_of_them():
    first, second = torch.arange(4).view(4, 1).float(), torch.zeros(4, 2)
    first[3], second[1] = first[0], 1.0
    batch = ga.Batch({"a": first, "b": second}, torch.zeros(4, dtype=torch.long))
    assert batch.first_equal().tolist() == [0, 1, 2, 0]
    second[3] = 2.0
    assert batch.first_equal().tolist() == [0, 1, 2, 3]


def test_some_samples_are_what_was_measured_of_them(net, batch):
    needs = ("gram", "squared_norms", "agreement", "labels", "activation_matches", "params")
    stats = ga.collect(net, batch, ga.Probe(), needs)
    chosen = [6, 1, 3]
    some = stats.of_samples(chosen)
    assert some.n == 3
    assert torch.equal(some.gram, stats.gram[:, chosen][:, :, chosen])
    assert torch.equal(some.squared_norms, stats.squared_norms[:, chosen])
    assert torch.equal(some.agreement, stats.agreement[:, chosen])
    assert torch.equal(some.tensor("labels"), stats.tensor("labels")[chosen])
    assert torch.equal(some.activation_matches, stats.activation_matches[chosen][:, chosen])
    assert some.params == stats.params


def test_what_is_measured_over_all_samples_cannot_be_had_of_some(net, batch):
    stats = ga.collect(net, batch, ga.Probe(), ("batch_gradient", "input_spectra", "first_equal"))
    some = stats.of_samples([0, 1])
    with pytest.raises(UndefinedScore, match="over all samples"):
        _ = some.batch_gradient
    with pytest.raises(UndefinedScore, match="over all samples"):
        _ = some.layers
    with pytest.raises(UndefinedScore, match="over all samples"):
        some.tensor("first_equal")


def test_axes_of_samples_are_those_of_the_statistics(net, batch):
    """In n = 9 samples no other axis of this network is as long."""
    stats = ga.collect(net, batch, ga.Probe(), tuple(SAMPLE_AXES), lenient=True)
    for name, axes in SAMPLE_AXES.items():
        if name in stats.values:
            shape = stats.tensor(name).shape
            assert tuple(k for k, side in enumerate(shape) if side == 9) == axes, name


def test_multiply_adds_of_a_recurrent_module_go_to_its_tensors():
    network = nn.Sequential(nn.LSTM(5, 4, num_layers=2, batch_first=True))

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = network, nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.body(x)[0][:, -1])

    batch = torch.randn(6, 7, 5), torch.arange(6) % 3
    stats = ga.collect(Last(), batch, ga.Probe(), ("gram", "macs"))
    macs = {block.name: block.macs for block in stats.blocks}
    assert macs["body.0.weight_ih_l0"] == 7 * 16 * 5
    assert macs["body.0.weight_hh_l1"] == 7 * 16 * 4
    assert sum(macs.values()) == stats.macs
