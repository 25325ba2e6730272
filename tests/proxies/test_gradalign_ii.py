import math

import numpy as np
import pytest
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.proxies.gradalign_ii import (
    gradalign_ii,
    gradalign_ii_macs,
    gradalign_ii_mean,
    gradalign_ii_network,
)

ALL = [gradalign_ii, gradalign_ii_mean, gradalign_ii_network, gradalign_ii_macs]


def naive_log_det(gradients):
    """log det(I + C) of one block by NumPy, cosine by cosine."""
    n = gradients.shape[0]
    matrix = np.eye(n)
    for i in range(n):
        for j in range(n):
            scale = float(gradients[i].norm() * gradients[j].norm())
            if scale > 0:
                matrix[i, j] += float(gradients[i] @ gradients[j]) / scale
    return math.log(np.linalg.det(matrix))


def naive_gradalign_ii(measured, weights):
    return sum(w * naive_log_det(g) for w, g in zip(weights, measured.gradients, strict=True))


def test_gradalign_ii_by_hand():
    # Block 0: cosine 0.6: det [[2, .6], [.6, 2]] = 4 - 0.36. Block 1: one zero gradient:
    # det [[2, 0], [0, 1]] = 2. Block 2 is dead: det I = 1.
    stats = from_gradients([[1, 0], [3, 4]], [[1, 1], [0, 0]], [[0, 0], [0, 0]])
    value = math.log(3.64) + math.log(2)
    assert gradalign_ii(stats).value == pytest.approx(value)
    assert gradalign_ii_mean(stats).value == pytest.approx(value / (3 * 2 * math.log(2)))
    # Without either sample, one is left: log 2 in block 0; log 2 or 0 in block 1. Two left-out
    # scores that differ by log 2: standard error sqrt(1/2 * 2 * (log 2 / 2)^2) = log 2 / 2.
    assert gradalign_ii(stats).stderr == pytest.approx(math.log(2) / 2)
    # The same over (L (n - 1) log 2) = 3 log 2.
    assert gradalign_ii_mean(stats).stderr == pytest.approx(1 / 6)


def test_gradalign_ii_macs_by_hand():
    # The builder gives block b of 2 weights 6 + b multiply-adds.
    stats = from_gradients([[1, 0], [3, 4]], [[1, 1], [0, 0]])
    assert [block.macs for block in stats.blocks] == [6, 7]
    assert gradalign_ii_macs(stats).value == pytest.approx(6 * math.log(3.64) + 7 * math.log(2))


def test_gradalign_ii_network_by_hand():
    # <g_0, g_1> = 3 + 1 = 4, norms sqrt(1 + 2) and sqrt(25 + 1): det = 4 - 16 / 78.
    stats = from_gradients([[1, 0], [3, 4]], [[1, 1], [1, 0]])
    assert gradalign_ii_network(stats).value == pytest.approx(math.log(4 - 16 / 78))


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_gradalign_ii_equals_naive_determinants(n):
    measured = random_measured(n, seed=n)
    stats = build(measured)
    ones = [1.0] * len(measured.gradients)
    value = naive_gradalign_ii(measured, ones)
    assert gradalign_ii(stats).value == pytest.approx(value)
    assert gradalign_ii_mean(stats).value == pytest.approx(value / (4 * n * math.log(2)))
    macs = [block.macs for block in stats.blocks]
    assert gradalign_ii_macs(stats).value == pytest.approx(naive_gradalign_ii(measured, macs))


@pytest.mark.parametrize("proxy", ALL)
@pytest.mark.parametrize("n", [2, 3, 8])
def test_standard_error_equals_recomputation(proxy, n):
    measured = random_measured(n, seed=n)
    left_out = [proxy(build(measured.without(i))).value for i in range(n)]
    centre = sum(left_out) / n
    expected = math.sqrt((n - 1) / n * sum((x - centre) ** 2 for x in left_out))
    assert proxy(build(measured)).stderr == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_orthogonal_gradients_reach_the_upper_bound():
    rows = [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 3, 0]]
    stats = from_gradients(rows, rows)
    assert gradalign_ii(stats).value == pytest.approx(2 * 3 * math.log(2))
    assert gradalign_ii_mean(stats).value == pytest.approx(1)


def test_parallel_gradients_count_as_one_direction_whatever_their_sign():
    # C = s s' with s = (1, -1, 1): det(I + s s') = 1 + n.
    stats = from_gradients([[1, 2], [-1, -2], [3, 6]])
    assert gradalign_ii(stats).value == pytest.approx(math.log(4))
