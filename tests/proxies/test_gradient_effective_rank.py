import math
import time

import pytest
import torch
from scipy import stats as scipy_stats
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies.gradient_effective_rank import gradient_effective_rank


def naive_gradient_effective_rank(gradients):
    """From the singular values of the unit gradients: no Gram matrix."""
    ranks = []
    for g in gradients:
        units = [row / row.norm() for row in g if row.any()]
        if units:
            spectrum = torch.linalg.svdvals(torch.stack(units)).square()
            ranks.append(math.exp(scipy_stats.entropy(spectrum.numpy())))
    return sum(ranks) / len(ranks)


def test_gradient_effective_rank_by_hand():
    # Block 0: orthogonal: rank 2. Block 1: parallel: rank 1. Block 2: dead, not in the mean.
    # Block 3: cosine 0.6: eigenvalues 1.6 and 0.4, p = 0.8 and 0.2.
    stats = from_gradients([[1, 0], [0, 5]], [[1, 1], [-2, -2]], [[0, 0], [0, 0]], [[1, 0], [3, 4]])
    third = math.exp(-0.8 * math.log(0.8) - 0.2 * math.log(0.2))
    assert gradient_effective_rank(stats).value == pytest.approx((2 + 1 + third) / 3)


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_gradient_effective_rank_equals_naive_singular_values(n):
    measured = random_measured(n, seed=n)
    assert gradient_effective_rank(build(measured)).value == pytest.approx(
        naive_gradient_effective_rank(measured.gradients)
    )


@pytest.mark.parametrize("n", [2, 3, 8])
def test_standard_error_equals_recomputation(n):
    measured = random_measured(n, seed=n)
    left_out = [naive_gradient_effective_rank(measured.without(i).gradients) for i in range(n)]
    centre = sum(left_out) / n
    expected = math.sqrt((n - 1) / n * sum((x - centre) ** 2 for x in left_out))
    assert gradient_effective_rank(build(measured)).stderr == pytest.approx(expected, abs=1e-9)


def test_block_that_lives_by_one_sample_leaves_the_mean_with_it():
    # Without sample 2 block 1 is dead: rank 2 of block 0 alone. Without sample 0 or 1: (2 + 1) / 2.
    stats = from_gradients([[1, 0], [0, 1], [1, 0]], [[0, 0], [0, 0], [1, 0]])
    without = [
        (1.0 * 2 + 1) / 2,  # samples 1, 2: orthogonal in block 0
        (1.0 + 1) / 2,  # samples 0, 2: parallel in block 0
        2.0,
    ]
    centre = sum(without) / 3
    expected = math.sqrt(2 / 3 * sum((x - centre) ** 2 for x in without))
    assert gradient_effective_rank(stats).stderr == pytest.approx(expected)


def test_no_gradient_left_without_the_only_live_sample():
    estimate = gradient_effective_rank(from_gradients([[1, 0], [0, 0]]))
    assert estimate.value == pytest.approx(1)
    assert estimate.stderr is None


def test_many_samples_have_no_standard_error():
    assert gradient_effective_rank(build(random_measured(32))).stderr is not None
    assert gradient_effective_rank(build(random_measured(33))).stderr is None


def test_dead_network_has_no_gradient():
    with pytest.raises(UndefinedScore) as raised:
        gradient_effective_rank(from_gradients([[0, 0], [0, 0]]))
    assert raised.value.status == "no_gradient"


def test_gradients_that_are_not_finite_are_refused():
    with pytest.raises(UndefinedScore, match="not finite"):
        gradient_effective_rank(from_gradients([[float("nan"), 0], [0, 1]]))


def test_cost_at_the_largest_size_with_standard_error():
    stats = build(random_measured(32, sizes=(40,) * 20))
    seconds = []
    for _ in range(3):
        start = time.process_time()
        gradient_effective_rank(stats)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5  # 0.02 on an idle core
