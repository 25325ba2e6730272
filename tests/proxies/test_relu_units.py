import pytest
import torch
from tests.engine import oracles
from torch import nn

import gradalign as ga
from gradalign.proxies.relu_units import relu_units
from gradalign.statistics import Statistics


def test_relu_units_by_hand():
    assert relu_units(Statistics(n=2, blocks=(), values={"relu_units": torch.tensor(7)})) == 7


def naive_relu_units(net, x):
    counts = []
    for module in net.modules():
        if isinstance(module, (nn.ReLU, nn.ReLU6)):
            module.register_forward_hook(lambda _, __, out: counts.append(out[0].numel()))
    net(x)
    return sum(counts)


def test_naive_count_by_hooks():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3, stride=2), nn.ReLU6(inplace=True)
    )
    net = nn.Sequential(net, nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 2))
    batch = torch.randn(3, 3, 8, 8), torch.tensor([0, 1, 0])
    found = ga.score(net, batch, proxies=["relu_units"])["relu_units"].value
    assert found == naive_relu_units(net, batch[0]) == 4 * 36 + 2 * 4 + 5


@pytest.mark.data
@pytest.mark.parametrize("count", [16, 64])
def test_reference_value(count):
    oracles.agrees("cell_cnn", f"relu_units@x{count}", "relu_units", oracles.images(count))
