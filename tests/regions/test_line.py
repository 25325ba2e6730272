"""Regions on a line: closed forms, dense grids, and what is refused."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gradalign.errors import InputError, UnsupportedError
from gradalign.regions import regions_on_line


def on_the_line(model, start, end, count):
    """Codes of all ReLUs at `count` points of the line, [count, units], and the outputs."""
    codes = []
    hooks = [
        m.register_forward_pre_hook(lambda _, args: codes.append((args[0] > 0).flatten(1)))
        for m in model.modules()
        if isinstance(m, (nn.ReLU, nn.LeakyReLU))
    ]
    t = torch.linspace(0, 1, count, dtype=torch.float64).view(-1, *[1] * start.dim())
    with torch.no_grad():
        out = model.double().eval()(start.double() + t * (end.double() - start.double()))
    for hook in hooks:
        hook.remove()
    return torch.cat(codes, 1), out


def changes(codes):
    return 1 + int((codes[1:] != codes[:-1]).any(1).sum())


def stack(seed, widths=(2, 8, 8, 3), bias=1.0):
    torch.manual_seed(seed)
    layers = []
    for a, b in itertools.pairwise(widths[:-1]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(*widths[-2:]))
    for p in net.parameters():
        if p.dim() == 1:
            p.data *= bias
    return net


def test_one_layer_has_one_region_more_than_units_that_change():
    net = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1))
    net[0].weight.data = torch.tensor([[1.0], [1.0], [-2.0]])
    net[0].bias.data = torch.tensor([-0.25, -0.5, 3.0])  # bends at 0.25, 0.5 and 1.5
    found = regions_on_line(net, torch.zeros(1), torch.ones(1))
    torch.testing.assert_close(found.edges, torch.tensor([0, 0.25, 0.5, 1.0]).double())
    assert found.activation_regions == found.linear_regions == 3


def test_a_unit_that_does_not_reach_the_output_makes_no_bend():
    net = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    net[0].weight.data, net[0].bias.data = torch.ones(2, 1), torch.tensor([-0.3, -0.6])
    net[2].weight.data = torch.tensor([[1.0, 0.0]])
    found = regions_on_line(net, torch.zeros(1), torch.ones(1))
    assert (found.activation_regions, found.linear_regions) == (3, 2)


def test_sawtooth_of_montufar_reaches_the_bound():
    """Montufar et al. 2014: each layer of two units folds the interval in two."""
    depth = 6
    fold = []
    for _ in range(depth):
        first = nn.Linear(1, 2)
        first.weight.data, first.bias.data = torch.tensor([[2.0], [4.0]]), torch.tensor([0.0, -2.0])
        last = nn.Linear(2, 1)
        last.weight.data, last.bias.data = torch.tensor([[1.0, -1.0]]), torch.zeros(1)
        fold += [first, nn.ReLU(), last]
    found = regions_on_line(nn.Sequential(*fold), torch.tensor([1e-3]), torch.tensor([0.999]))
    assert found.linear_regions == 2**depth


@pytest.mark.parametrize("seed", range(50))
def test_equals_a_dense_grid(seed):
    net = stack(seed)
    start, end = 3 * torch.randn(2), 3 * torch.randn(2)
    found = regions_on_line(net, start, end)
    codes, out = on_the_line(net, start, end, 20001)
    narrow = int((found.edges.diff() < 1 / 20000).sum())
    assert changes(codes) <= found.activation_regions <= changes(codes) + 2 * narrow
    t = torch.linspace(0, 1, 20001, dtype=torch.float64)
    region = (torch.searchsorted(found.edges, t, right=True) - 1).clamp(0, len(found.slopes) - 1)
    steps = (out[1:] - out[:-1]) * 20000
    same = region[1:] == region[:-1]
    torch.testing.assert_close(steps[same], found.slopes[region[:-1][same]], atol=1e-6, rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_at_most_what_a_line_can_cross(seed, hidden):
    """Each unit of a layer cuts each piece of the layer before it once (Serra et al. 2018)."""
    net = stack(seed, (3, *hidden, 2))
    found = regions_on_line(net, torch.randn(3), torch.randn(3))
    assert 1 <= found.linear_regions <= found.activation_regions
    assert found.activation_regions <= math.prod(width + 1 for width in hidden)
    assert found.edges[0] == 0
    assert bool((found.edges.diff() > 0).all())


class Residual(nn.Module):
    """Convolutions with batch normalisation, max pooling and a shortcut."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.head = nn.Linear(3 * 9, 4)

    def forward(self, x):
        x = self.first(x)
        return self.head(self.pool(x + self.body(x)).flatten(1))


@pytest.mark.parametrize("seed", range(5))
def test_convolutions_normalisation_pooling_and_shortcuts(seed):
    torch.manual_seed(seed)
    net = Residual()
    net.first[1].running_mean.normal_()
    net.first[1].running_var.uniform_(0.5, 2)
    start, end = torch.randn(1, 6, 6), torch.randn(1, 6, 6)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    found = regions_on_line(net, start, end)
    assert net.training
    after = net.state_dict()
    assert all(
        torch.equal(before[k], after[k]) and before[k].dtype == after[k].dtype for k in before
    )
    _, out = on_the_line(net, start, end, 20001)
    bends = ((out[2:] - 2 * out[1:-1] + out[:-2]).abs().amax(1) * 20000 > 1e-7).nonzero().flatten()
    apart = 1 + int((bends.diff() > 2).sum())  # a bend shows at two neighbouring points
    assert abs(found.linear_regions - 1 - apart) <= 0.05 * apart


def test_capped_and_leaky_units():
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU6(), nn.LeakyReLU(), nn.Linear(1, 1))
    net[0].weight.data = torch.tensor([[12.0]])
    found = regions_on_line(net, torch.tensor([-1.0]), torch.tensor([1.0]))
    assert found.linear_regions == 3  # 0, then 12 t, then 6


@pytest.mark.parametrize("layer", [nn.GELU(), nn.Sigmoid(), nn.Tanh(), nn.LayerNorm(4)])
def test_what_is_not_piecewise_linear_is_refused(layer):
    net = nn.Sequential(nn.Linear(2, 4), layer, nn.Linear(4, 1))
    with pytest.raises(UnsupportedError, match="piecewise linear"):
        regions_on_line(net, torch.randn(2), torch.randn(2))


def test_a_function_that_nobody_knows_is_found_out():
    class Odd(nn.Module):
        def forward(self, x):
            return x * x

    with pytest.raises(UnsupportedError, match="not affine"):
        regions_on_line(nn.Sequential(nn.Linear(2, 3), Odd()), torch.zeros(2), torch.ones(2))


def test_two_shapes_are_refused():
    with pytest.raises(InputError, match="one shape"):
        regions_on_line(nn.Linear(2, 1), torch.zeros(2), torch.zeros(3))


@pytest.mark.parametrize("seed", range(5))
def test_inputs_of_a_pooling_that_are_equal_but_for_rounding_do_not_overtake_each_other(seed):
    # A symmetric kernel on symmetric images: positions 1 and 2 hold the same sum, added up in
    # another order, and every window holds one number or these two. The map is affine.
    rng = torch.Generator().manual_seed(seed)
    conv = nn.Conv2d(8, 16, (1, 3), padding=(0, 1), bias=False)
    side, middle = torch.rand(2, 16, 8, generator=rng) - 0.5
    conv.weight.data = torch.stack([side, middle, side], -1).unsqueeze(2)
    net = nn.Sequential(conv, nn.MaxPool2d((1, 2), stride=(1, 2), padding=(0, 1)), nn.Flatten())
    halves = torch.rand(2, 8, 1, 2, generator=rng)
    start, end = torch.cat([halves, halves.flip(-1)], -1)
    assert regions_on_line(net, start, end).activation_regions == 1
