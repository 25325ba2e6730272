"""Regions on a square: arrangements of lines, dense grids, and the whole square covered."""

import itertools

import pytest
import torch
from tests.regions.test_line import Residual, stack
from torch import nn

from gradalign.errors import UnsupportedError
from gradalign.regions import regions_on_line, regions_on_plane

CORNERS = torch.zeros(2), torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])


def arrangement(weight, bias):
    """Regions of lines in general position on the unit square: 1 + lines + crossings inside."""
    corners = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]]).double()
    values = corners @ weight.T + bias
    meets = (values.amin(0) < 0) & (values.amax(0) > 0)
    crossings = 0
    for i, j in itertools.combinations(range(len(weight)), 2):
        point = torch.linalg.solve(weight[[i, j]], -bias[[i, j]])
        crossings += bool(((point > 0) & (point < 1)).all())
    return 1 + int(meets.sum()) + crossings


@pytest.mark.parametrize("seed", range(10))
def test_one_layer_is_an_arrangement_of_lines(seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(2, 9), nn.ReLU(), nn.Linear(9, 1)).double()
    net[0].bias.data = -(net[0].weight.data @ torch.rand(2, 9).double()).diagonal()
    found = regions_on_plane(net, *CORNERS)
    assert found.activation_regions == arrangement(net[0].weight.data, net[0].bias.data)


@pytest.mark.parametrize("seed", range(10))
def test_the_cells_cover_the_square_and_equal_a_dense_grid(seed):
    net = stack(seed, (2, 6, 6, 2))
    span = [6 * c - 3 for c in CORNERS]
    found = regions_on_plane(net, *span)
    assert sum(cell.area for cell in found.cells) == pytest.approx(1, abs=1e-6)
    codes = []
    hooks = [
        m.register_forward_pre_hook(lambda _, args: codes.append(args[0] > 0))
        for m in net.modules()
        if isinstance(m, nn.ReLU)
    ]
    s = torch.linspace(0.0005, 0.9995, 1000, dtype=torch.float64)
    grid = torch.cartesian_prod(s, s)
    net.double()(span[0] + grid @ torch.stack([span[1] - span[0], span[2] - span[0]]).double())
    for hook in hooks:
        hook.remove()
    seen = len(torch.cat(codes, 1).unique(dim=0))
    small = sum(cell.area < 1e-4 for cell in found.cells)
    assert seen <= found.activation_regions <= seen + small


def test_an_edge_of_the_square_is_a_line():
    net = stack(3, (2, 7, 7, 1))
    span = [4 * c - 2 for c in CORNERS]
    found = regions_on_plane(net, *span)
    bottom = sum(bool((cell.corners[:, 1] < 1e-9).sum() >= 2) for cell in found.cells)
    assert bottom == regions_on_line(net, span[0], span[1]).activation_regions


def test_convolutions_normalisation_pooling_and_shortcuts():
    torch.manual_seed(0)
    net = Residual()
    found = regions_on_plane(net, *(torch.randn(1, 6, 6) for _ in range(3)))
    assert sum(cell.area for cell in found.cells) == pytest.approx(1, abs=1e-6)
    assert found.activation_regions > 100


def test_too_many_regions_are_refused():
    with pytest.raises(UnsupportedError, match="more than 5 regions"):
        regions_on_plane(stack(0, (2, 30, 1)), *(20 * c - 10 for c in CORNERS), most=5)
