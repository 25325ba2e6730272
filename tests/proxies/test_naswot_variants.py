import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, random_measured
from torch import nn

import gradalign as ga
from gradalign.errors import UndefinedScore
from gradalign.proxies.naswot_variants import naswot_conv, naswot_eval, naswot_gelu, nwot

VARIANTS = {
    nwot: "relu_matches",
    naswot_eval: "relu_matches",
    naswot_conv: "layer_matches",
    naswot_gelu: "gelu_matches",
}

every_variant = pytest.mark.parametrize(
    ("variant", "statistic"), VARIANTS.items(), ids=lambda each: getattr(each, "__name__", each)
)


@every_variant
def test_variant_by_hand(variant, statistic):
    matches = torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)  # determinant 8
    stats = replace(build(random_measured(2)), values={statistic: matches})
    assert variant(stats) == pytest.approx(math.log(8))


@every_variant
def test_network_without_such_units_is_unsupported(variant, statistic):
    stats = build(replace(random_measured(3), codes=torch.zeros(3, 0)))
    with pytest.raises(UndefinedScore, match="the network has no") as raised:
        variant(stats)
    assert raised.value.status == "unsupported"


def naive_naswot(net, x, kinds, take):
    """log det K from hooks on modules: codes of what `take` picks of input and output."""
    codes = []
    for module in net.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(
                lambda _, args, out: codes.append(take(args[0], out).flatten(1) > 0)
            )
    with torch.no_grad():
        net(x)
    on = torch.cat(codes, 1).double()
    return np.linalg.slogdet((on @ on.T + (1 - on) @ (1 - on).T).numpy())[1]


class Dead(nn.Module):
    """A network with a branch that no gradient reaches."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.relu, self.gelu, self.silu, self.unused = nn.ReLU(), nn.GELU(), nn.SiLU(), nn.ReLU()
        self.middle = nn.Conv2d(6, 4, 3)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = self.norm(self.stem(x))
        x = self.relu(x) + 0 * self.unused(-x).detach()
        return self.head(self.silu(self.gelu(self.middle(x)) - 0.1).mean((2, 3)))


@pytest.mark.parametrize(
    ("proxy", "norm", "kinds", "take"),
    [
        ("nwot", "frozen", nn.ReLU, lambda x, _: x),
        ("nwot", "batch", nn.ReLU, lambda x, _: x),
        ("naswot_eval", "batch_fixed", nn.ReLU, lambda x, _: x),
        ("naswot_conv", "batch_fixed", (nn.Conv2d, nn.Linear), lambda _, out: out),
        ("naswot_gelu", "frozen", (nn.GELU, nn.SiLU), lambda x, _: x),
    ],
)
def test_naive_hooks_agree(proxy, norm, kinds, take):
    torch.manual_seed(0)
    net = Dead().double().eval()
    net.norm.running_mean.uniform_(-0.2, 0.2)
    batch = torch.randn(5, 3, 8, 8, dtype=torch.float64), torch.tensor([0, 1, 0, 1, 1])
    found = ga.score(net, batch, proxies=[proxy], norm=norm)[proxy].value
    if norm == "batch":
        net.norm.train()
    assert found == pytest.approx(naive_naswot(net, batch[0], kinds, take), rel=1e-12)


def test_nwot_counts_what_no_gradient_reaches():
    torch.manual_seed(0)
    batch = torch.randn(5, 3, 8, 8), torch.tensor([0, 1, 0, 1, 1])
    found = ga.score(Dead(), batch, proxies=["naswot", "nwot"])
    assert found["nwot"].value > found["naswot"].value + 1


@pytest.mark.data
@pytest.mark.parametrize(
    ("entry", "proxy"),
    [
        ("naswot_naslib", "nwot"),
        ("naswot_zennas", "nwot"),
        ("naswot_freerea", "nwot"),
        ("naswot_alethiometer_relu", "naswot_eval"),
        ("naswot_alethiometer_conv", "naswot_conv"),
    ],
)
def test_authors_value(entry, proxy):
    oracles.agrees("cell_cnn", entry, proxy, oracles.images(64))


@pytest.mark.data
@pytest.mark.parametrize("entry", ["distinct_patterns@x64", "tenas_linear_regions"])
def test_regions_of_distinct_images(entry):
    oracles.agrees("cell_cnn", entry, "linear_regions", oracles.images(64))
