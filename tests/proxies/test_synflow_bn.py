import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, random_measured
from torch import nn

import gradalign as ga
from gradalign.proxies.synflow_bn import synflow_bn, synflow_zennas


def naive_flows(measured):
    """For each block the sum of |w dR/dw|, by a loop."""
    flows = []
    for g, w in zip(measured.gradients, measured.weights, strict=True):
        total = 0.0
        for k in range(g.shape[1]):
            total += abs(float(w[k]) * sum(float(g[i, k]) for i in range(measured.n)))
        flows.append(total)
    return flows


@pytest.mark.parametrize("n", [1, 3])
def test_both_equal_naive_loops(n):
    measured = random_measured(n, seed=n)
    flows = naive_flows(measured)
    assert synflow_bn(build(measured)) == pytest.approx(sum(flows))
    channels = [block.shape[0] for block in build(measured).blocks]
    expected = -sum(f / c for f, c in zip(flows, channels, strict=True))
    assert synflow_zennas(build(measured)) == pytest.approx(expected)


def test_by_ordinary_autograd_on_one_input_of_ones():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten())
    net = net.append(nn.Linear(48, 2)).double()
    batch = torch.randn(4, 2, 4, 4).double(), torch.tensor([0, 1, 1, 0])
    names = ["synflow_bn", "synflow_zennas"]
    found = ga.score(net, batch, proxies=names)
    for tensor in net.state_dict().values():
        tensor.copy_(tensor.abs())
    net.train()(torch.ones(1, 2, 4, 4).double()).sum().backward()
    flows = [(p.detach() * p.grad).abs() for p in (net[0].weight, net[4].weight)]
    assert found["synflow_bn"].value == pytest.approx(float(sum(f.sum() for f in flows)))
    expected = -float(flows[0].sum() / 3 + flows[1].sum() / 2)
    assert found["synflow_zennas"].value == pytest.approx(expected)


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize("entry", ["synflow_bn", "synflow_zennas"])
def test_authors_values(net, entry):
    oracles.agrees(net, entry, entry, oracles.images(16))


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize("entry", ["synflow_freerea", "synflow_naslib"])
def test_other_code_for_the_form_without_normalisation(net, entry):
    oracles.agrees(net, entry, "synflow", oracles.images(16))
