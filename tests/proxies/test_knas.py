import math

import pytest
import torch
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.proxies.knas import knas


def naive_knas(gradients):
    whole = torch.cat(gradients, dim=1)
    n = whole.shape[0]
    return sum(float(whole[i] @ whole[j]) for i in range(n) for j in range(n)) / n**2


def test_knas_by_hand():
    # Mean gradient (2, 1 | 0, 0.5): 4 + 1 + 0.25.
    stats = from_gradients([[1, 0], [3, 2]], [[1, 0], [-1, 1]])
    assert knas(stats).value == pytest.approx(5.25)
    # Left out: |g_1|^2 = 15 and |g_0|^2 = 2: sqrt(1/2 * 2 * 6.5^2).
    assert knas(stats).stderr == pytest.approx(6.5)


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_knas_equals_naive_inner_products(n):
    measured = random_measured(n, seed=n)
    assert knas(build(measured)).value == pytest.approx(naive_knas(measured.gradients))


@pytest.mark.parametrize("n", [2, 3, 8])
def test_standard_error_equals_recomputation(n):
    measured = random_measured(n, seed=n)
    left_out = [naive_knas(measured.without(i).gradients) for i in range(n)]
    centre = sum(left_out) / n
    expected = math.sqrt((n - 1) / n * sum((x - centre) ** 2 for x in left_out))
    assert knas(build(measured)).stderr == pytest.approx(expected)


def test_scales_with_the_square_of_the_loss():
    measured = random_measured(4)
    assert knas(build(measured.scaled(3))).value == pytest.approx(9 * knas(build(measured)).value)
