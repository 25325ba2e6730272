"""Gram matrices of single rows by inner products of positions, against those of the tiles."""

import pytest
import torch

from gradalign.engine._gradient import Dense, PerSampleGradient, Workspace
from gradalign.engine._symmetric import add_products, mirrored
from gradalign.engine.rules.convolution import ConvolutionGradient, Geometry
from gradalign.engine.rules.linear import OuterProduct, Positions

N = 5


def draw(*shape):
    return torch.randn(N, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def geometry(kernel, stride=1, padding=0, dilation=1, groups=1):
    return Geometry((kernel,) * 2, (stride,) * 2, (padding,) * 2, (dilation,) * 2, groups)


def from_tiles(gradient: PerSampleGradient) -> torch.Tensor:
    dense = torch.zeros(gradient.n, *gradient.shape, dtype=torch.float64)
    for tile in gradient.tiles(Workspace(1 << 20)):
        for q, columns in enumerate(tile.columns()):
            dense[:, tile.rows()[:, None], columns] = tile.values[:, q]
    return torch.einsum("irk,jrk->rij", dense, dense)


@pytest.mark.parametrize(
    "gradient",
    [
        ConvolutionGradient(draw(64, 3, 3), draw(160, 3, 3), geometry(3, padding=1)),
        ConvolutionGradient(draw(80, 3, 2), draw(90, 3, 2), geometry(3, padding=2, dilation=2)),
        ConvolutionGradient(draw(40, 5, 5), draw(64, 2, 2), geometry(3, stride=2)),
        ConvolutionGradient(draw(90, 2, 2), draw(80, 2, 2), geometry(1)),
        Positions(draw(3, 20), draw(3, 60)),
        OuterProduct(draw(7), draw(9)),
    ],
    ids=["3x3", "dilated", "strided", "1x1", "positions", "outer product"],
)
def test_they_are_those_of_the_tiles(gradient):
    found = gradient.row_grams(Workspace(1 << 28))
    torch.testing.assert_close(found, from_tiles(gradient), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    "gradient",
    [
        ConvolutionGradient(draw(2, 8, 8), draw(3, 8, 8), geometry(3, padding=1)),  # many positions
        ConvolutionGradient(draw(8, 3, 3), draw(8, 3, 3), geometry(3, padding=1, groups=2)),
        Positions(draw(30, 4), draw(30, 5)),
        Dense(draw(4, 5)),
    ],
    ids=["large map", "groups", "long sequence", "dense"],
)
def test_they_are_left_to_the_tiles_where_these_cost_less(gradient):
    assert gradient.row_grams(Workspace(1 << 28)) is None


def test_they_are_left_to_the_tiles_where_the_products_exceed_the_budget():
    gradient = ConvolutionGradient(draw(64, 3, 3), draw(160, 3, 3), geometry(3, padding=1))
    assert gradient.row_grams(Workspace(1 << 28)) is not None
    assert gradient.row_grams(Workspace(1 << 10)) is None


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 64, 130])
def test_products_from_strips_are_whole(rows):
    x = torch.randn(rows, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    total = torch.ones(rows, rows, dtype=torch.float64)
    add_products(total, x)
    torch.testing.assert_close(mirrored(total), 1 + x @ x.T, rtol=1e-12, atol=1e-12)
