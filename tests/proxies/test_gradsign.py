import pytest
import torch
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.proxies.gradsign import gradsign


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
