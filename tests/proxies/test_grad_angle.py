import math

import pytest
import torch
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.proxies.grad_angle import grad_angle


def naive_grad_angle(gradients):
    """Mean cosine of unit gradients with their mean, as the authors' loop has it."""
    whole = torch.cat(gradients, dim=1)
    units = whole / whole.norm(dim=1, keepdim=True)
    mean = units.mean(0)
    return float(torch.stack([unit @ mean / mean.norm() for unit in units]).mean())


def test_grad_angle_by_hand():
    # Unit gradients (1, 0) and (0.6, 0.8): mean (0.8, 0.4) of norm sqrt(0.8).
    stats = from_gradients([[2, 0], [3, 4]])
    assert grad_angle(stats).value == pytest.approx(math.sqrt(0.8))
    assert grad_angle(stats).stderr == pytest.approx(0, abs=1e-12)  # each alone has 1


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_grad_angle_equals_naive_cosines(n):
    measured = random_measured(n, seed=n)
    assert grad_angle(build(measured)).value == pytest.approx(naive_grad_angle(measured.gradients))


@pytest.mark.parametrize("n", [3, 8])
def test_standard_error_equals_recomputation(n):
    measured = random_measured(n, seed=n)
    left_out = [naive_grad_angle(measured.without(i).gradients) for i in range(n)]
    centre = sum(left_out) / n
    expected = math.sqrt((n - 1) / n * sum((x - centre) ** 2 for x in left_out))
    assert grad_angle(build(measured)).stderr == pytest.approx(expected)


def test_zero_gradient_counts_as_zero():
    # Unit gradients (1, 0) and 0: mean (0.5, 0).
    assert grad_angle(from_gradients([[2, 0], [0, 0]])).value == pytest.approx(0.5)


@pytest.mark.parametrize("n", [3, 4, 5, 6, 8, 9])
@pytest.mark.parametrize("turn", [0.1, 0.3, 0.7])
def test_gradients_that_cancel_give_zero(n, turn):
    # The corners of a polygon: their cosines sum up to rounding noise of either sign.
    angles = [2 * math.pi * i / n + turn for i in range(n)]
    stats = from_gradients([[math.cos(angle), math.sin(angle)] for angle in angles])
    assert grad_angle(stats).value == pytest.approx(0, abs=1e-7)
