import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, from_gradients, random_measured
from torch import nn

import gradalign as ga
from gradalign.proxies.grad_norm import grad_norm, grad_norm_all


def naive_norms(measured):
    """For each block the norm of the mean gradient, by a loop."""
    norms = []
    for g in measured.gradients:
        total = 0.0
        for k in range(g.shape[1]):
            total += (sum(float(g[i, k]) for i in range(measured.n)) / measured.n) ** 2
        norms.append(total**0.5)
    return norms


def test_grad_norm_by_hand():
    # Sums (6, 8 | 0, 2) over 2 samples: 10 / 2 + 2 / 2.
    assert grad_norm(from_gradients([[5, 2], [1, 6]], [[1, 1], [-1, 1]])) == pytest.approx(6)


def test_grad_norm_all_by_hand():
    # The same sums under one root: sqrt(36 + 64 + 4) / 2.
    stats = from_gradients([[5, 2], [1, 6]], [[1, 1], [-1, 1]])
    assert grad_norm_all(stats) == pytest.approx(104**0.5 / 2)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_both_equal_naive_loops(n):
    measured = random_measured(n, seed=n)
    norms = naive_norms(measured)
    assert grad_norm(build(measured)) == pytest.approx(sum(norms))
    assert grad_norm_all(build(measured)) == pytest.approx(sum(x**2 for x in norms) ** 0.5)


def test_of_a_network_are_those_of_the_mean_loss():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten()).double()
    net.append(nn.Linear(12, 3).double())
    x, y = torch.randn(5, 1, 4, 4).double(), torch.tensor([0, 1, 2, 0, 1])
    found = ga.score(net, (x, y), proxies=["grad_norm", "grad_norm_all"], regime="official")
    nn.functional.cross_entropy(net.train()(x), y).backward()
    gradients = [p.grad for p in net.parameters()]
    weights = [g for g in gradients if g.dim() > 1]
    assert found["grad_norm"].value == pytest.approx(float(sum(g.norm() for g in weights)))
    every = torch.cat([g.flatten() for g in gradients])
    assert found["grad_norm_all"].value == pytest.approx(float(every.norm()))


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize(
    ("entry", "proxy", "count"),
    [
        ("grad_norm", "grad_norm", 64),
        ("grad_norm_naslib", "grad_norm", 64),
        ("grad_norm_16", "grad_norm", 16),
        ("grad_norm_zennas", "grad_norm_all", 64),
    ],
)
def test_authors_values(net, entry, proxy, count):
    oracles.agrees(net, entry, proxy, oracles.images(count))


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_authors_value_with_running_statistics(net):
    batch = oracles.images(16)
    oracles.agrees(net, "grad_norm_16_eval", "grad_norm", batch, regime="shared", norm="frozen")
