import pytest
import torch
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.proxies.gsnr import gsnr


def naive_gsnr(gradients):
    whole = torch.cat(gradients, dim=1).numpy()
    return sum(column.mean() ** 2 / (column.var() + 1e-8) for column in whole.T)


def test_gsnr_by_hand():
    # Weight 0: mean 2, variance 1. Weight 1: mean 0, variance 4. Weight 2: mean 1, variance 0.
    stats = from_gradients([[1, 2, 1, 0], [3, -2, 1, 0]])
    assert gsnr(stats) == pytest.approx(4 / (1 + 1e-8) + 0 + 1e8)


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_gsnr_equals_naive_ratios(n):
    measured = random_measured(n, seed=n)
    assert gsnr(build(measured)) == pytest.approx(naive_gsnr(measured.gradients))


def test_gsnr_of_a_dead_network_is_zero():
    assert gsnr(from_gradients([[0, 0], [0, 0]])) == 0
