import math

import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies.knas import knas, knas_official
from gradalign.statistics import Statistics


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


def naive_knas_official(starts):
    """`starts`: [batches, parameters, 50] by plain loops."""
    total = 0.0
    for parameter in range(starts.shape[1]):
        for entry in range(50):
            column = starts[:, parameter, entry].tolist()
            first, second = column[:25], column[25:]
            mean_1, mean_2 = sum(first) / 25, sum(second) / 25
            total += sum((a - mean_1) * (b - mean_2) for a, b in zip(first, second, strict=True))
    return total / 2500


def fifty(starts, samples):
    """A pass for each of 50 batches, from the gradients of the mean losses."""
    return {
        f"part_{k}": Statistics(n=samples, blocks=(), values={"gradient_starts": samples * start})
        for k, start in enumerate(starts)
    }


def test_knas_official_by_hand():
    # One parameter, entry 0 only: 1 in batch 0, and 2 in batch 25, else 0. Less their means 1/25
    # and 2/25: (24/25)(48/25) + 24 (1/25)(2/25) = 1.92.
    starts = torch.zeros(50, 1, 50, dtype=torch.float64)
    starts[0, 0, 0], starts[25, 0, 0] = 1, 2
    assert knas_official(**fifty(starts, 1)) == pytest.approx(1.92 / 2500)


@pytest.mark.parametrize("parameters", [1, 11])
def test_knas_official_equals_naive_loop(parameters):
    generator = torch.Generator().manual_seed(parameters)
    starts = torch.randn(50, parameters, 50, generator=generator, dtype=torch.float64)
    assert knas_official(**fifty(starts, 4)) == pytest.approx(naive_knas_official(starts))


def test_knas_official_looks_at_eleven_parameters():
    generator = torch.Generator().manual_seed(0)
    starts = torch.randn(50, 13, 50, generator=generator, dtype=torch.float64)
    found = knas_official(**fifty(starts, 2))
    assert found == pytest.approx(naive_knas_official(starts[:, :11]))


@pytest.mark.parametrize("parameters", [0, 2])
def test_knas_official_without_gradient_is_undefined(parameters):
    with pytest.raises(UndefinedScore, match="no gradient") as caught:
        knas_official(**fifty(torch.zeros(50, parameters, 50), 1))
    assert caught.value.status == "no_gradient"


@pytest.mark.data
@pytest.mark.parametrize("network", oracles.NETWORKS)
def test_knas_official_equals_the_authors_code(network):
    oracles.agrees(network, "knas_official", "knas_official", oracles.batches("knas_batches"))
