import math
from itertools import combinations

import pytest
import torch
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies.conflict_fraction import conflict_fraction


def naive_conflict_fraction(gradients):
    whole = torch.cat(gradients, dim=1)
    pairs = list(combinations(range(whole.shape[0]), 2))
    return sum(float(whole[i] @ whole[j]) < 0 for i, j in pairs) / len(pairs)


def test_conflict_fraction_by_hand():
    # <0, 1> = 3 - 4 < 0 although block 0 alone agrees; <0, 2> = <1, 2> = 0: one pair of three.
    stats = from_gradients([[3, 0], [1, 0], [0, 0]], [[4, 0], [-1, 0], [0, 1]])
    estimate = conflict_fraction(stats)
    assert estimate.value == pytest.approx(1 / 3)
    # Left out: 0 without sample 0 or 1, 1 without sample 2: sqrt(2/3 * (4/9 + 1/9 + 1/9)) = 2/3.
    assert estimate.stderr == pytest.approx(2 / 3)


@pytest.mark.parametrize("n", [2, 3, 9])
def test_conflict_fraction_equals_naive_pairs(n):
    measured = random_measured(n, seed=n)
    assert conflict_fraction(build(measured)).value == pytest.approx(
        naive_conflict_fraction(measured.gradients)
    )


@pytest.mark.parametrize("n", [3, 9])
def test_standard_error_equals_recomputation(n):
    measured = random_measured(n, seed=n)
    left_out = [naive_conflict_fraction(measured.without(i).gradients) for i in range(n)]
    centre = sum(left_out) / n
    expected = math.sqrt((n - 1) / n * sum((x - centre) ** 2 for x in left_out))
    assert conflict_fraction(build(measured)).stderr == pytest.approx(expected)


def test_two_samples_have_a_value_without_standard_error():
    estimate = conflict_fraction(from_gradients([[1, 0], [-1, 0]]))
    assert estimate.value == 1
    assert estimate.stderr is None


def test_one_sample_forms_no_pair():
    with pytest.raises(UndefinedScore, match="at least 2 samples, found 1"):
        conflict_fraction(from_gradients([[1, 0]]))


def test_gradients_that_are_not_finite_have_no_finite_value():
    stats = from_gradients([[1, 0], [float("nan"), 0], [1, 1]])
    assert math.isnan(conflict_fraction(stats).value)
