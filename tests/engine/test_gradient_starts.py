"""The first entries of the gradient, against autograd on a network with an unused layer."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import gradalign as ga
from gradalign.engine import collect
from gradalign.probe import Probe


class Partly(nn.Module):
    """Blocks of 72, 8 and 40 entries, one of 100 that no gradient reaches, and one of 64."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3)
        self.unused = nn.Linear(10, 10, bias=False)
        self.middle = nn.Linear(8, 8, bias=False)
        self.head = nn.Linear(8, 5, bias=False)

    def forward(self, x):
        return self.head(self.middle(self.stem(x).mean((2, 3)).relu()))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Partly().double()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(4, 1, 5, 5, generator=generator, dtype=torch.float64)
    return ga.Batch(x, torch.arange(4))


def test_starts_are_those_of_the_gradient_of_the_summed_loss(net, batch):
    found = collect(net, batch, Probe(params="all"), ["gradient_starts"]).tensor("gradient_starts")
    F.cross_entropy(net(batch.inputs), batch.targets, reduction="sum").backward()
    expected = torch.stack([p.grad.flatten()[:50] for p in (net.stem.weight, net.middle.weight)])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)


def test_no_block_is_long_enough(net, batch):
    found = collect(net, batch, Probe(params="all"), ["gradient_starts"], params=is_head)
    assert found.tensor("gradient_starts").shape == (0, 50)


def is_head(name, parameter):
    return name.startswith("head")
