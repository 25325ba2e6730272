import math

import pytest
import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies.wrcor import wrcor
from gradalign.statistics import Statistics


def of(layers):
    stacked = torch.as_tensor(layers, dtype=torch.float64)
    values = {"response_correlations": stacked}
    return wrcor(Statistics(n=stacked.shape[1], blocks=(), values=values))


def test_by_hand():
    # 1 [[2, 1], [1, 2]] + 2 [[1, 0], [0, 1]] + 4 [[1, 1/2], [1/2, 1]] = [[8, 3], [3, 8]]
    layers = [[[2, 1], [1, 2]], [[1, 0], [0, 1]], [[1, 0.5], [0.5, 1]]]
    assert of(layers) == pytest.approx(math.log(64 - 9))


def test_equals_the_definition():
    layers = torch.rand(4, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    total = sum(2**k * layer for k, layer in enumerate(layers))
    assert of(layers) == pytest.approx(float(torch.linalg.slogdet(total).logabsdet))


@pytest.mark.parametrize(
    ("layers", "status"),
    [([[[0, 0], [0, 0]]], "unsupported"), ([[[1, 1], [1, 1]], [[1, 1], [1, 1]]], "inf")],
)
def test_no_value(layers, status):
    with pytest.raises(UndefinedScore) as caught:
        of(layers)
    assert caught.value.status == status
