import numpy as np
import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.proxies.gradsign import gradsign, gradsign_mean


def naive_gradsign(gradients):
    whole = torch.cat(gradients, dim=1).tolist()
    signs = [[(x > 0) - (x < 0) for x in row] for row in whole]
    return sum(abs(sum(column)) for column in zip(*signs, strict=True))


def test_gradsign_by_hand():
    # Signs of weight 0: + + -, 1: - 0 -, 2: + - 0, 3: + + +: |1| + |-2| + |0| + |3|.
    assert gradsign(from_gradients([[2, -2, 1, 1], [2, 0, -1, 9], [-1, -1, 0, 2]])) == 6


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_gradsign_equals_naive_signs(n):
    measured = random_measured(n, seed=n)
    assert gradsign(build(measured)) == naive_gradsign(measured.gradients)


def test_opposite_samples_give_zero():
    assert gradsign(from_gradients([[1, -5], [-2, 1]])) == 0


def test_gradsign_mean_by_hand():
    # Weight 0: signs + + -, sum 1. Weight 1: - - -, sum 3. Weight 2: 0 0 +, sum 1. Weight 3: dead.
    stats = from_gradients([[1, -1], [2, -5], [-3, -1]], [[0, 0], [0, 0], [4, 0]])
    assert gradsign_mean(stats) == pytest.approx((1 + 3 + 1 + 0) / 4)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_gradsign_mean_equals_naive_mean(n):
    measured = random_measured(n, seed=n)
    signs = torch.cat(measured.gradients, dim=1).sign()
    expected = np.mean([abs(float(column.sum())) for column in signs.T])
    assert gradsign_mean(build(measured)) == pytest.approx(expected)


@pytest.mark.data
@pytest.mark.parametrize("network", oracles.NETWORKS)
def test_gradsign_mean_equals_the_code_of_az_nas(network):
    oracles.agrees(network, "gradsign_aznas_mean", "gradsign_mean", oracles.images(16))
