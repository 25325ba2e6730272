import math

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gradalign.evaluation.rank_statistics import (
    kendall_tau,
    partial_tau,
    spearman_rho,
    top10_tau,
    weighted_tau,
)

small_lists = arrays.arrays(np.int64, st.integers(2, 12), elements=st.integers(-3, 3))


def brute_tau(x, y):
    """Tau-b as a loop over pairs; None where a list is constant."""
    numerator = untied_x = untied_y = 0
    for i in range(len(x)):
        for j in range(i):
            a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
            numerator += a * b
            untied_x += a * a
            untied_y += b * b
    return numerator / math.sqrt(untied_x * untied_y) if untied_x * untied_y else None


def draw(seed, n, k=2, decimals=1):
    """k lists of n correlated values with ties."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=n)
    return [(common + generator.normal(size=n)).round(decimals) for _ in range(k)]


def test_kendall_tau_by_hand():
    # 4 pairs are concordant, 1 is discordant, 1 is tied in the first list: 4 - 1 over the root of
    # 5 times 6
    assert kendall_tau([1, 2, 3, 3], [1, 3, 2, 4]) == pytest.approx(3 / math.sqrt(30))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [3, 10, 57])
def test_equal_to_scipy_and_to_the_loop_with_ties(seed, n):
    x, y = draw(seed, n)
    assert kendall_tau(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-14)
    assert kendall_tau(x, y) == pytest.approx(brute_tau(x, y), abs=1e-14)
    assert spearman_rho(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-14)


def test_networks_with_nan_are_left_out():
    x, y = draw(0, 40)
    x[3] = y[7] = np.nan
    tau = stats.kendalltau(x, y, nan_policy="omit").statistic
    rho = stats.spearmanr(x, y, nan_policy="omit").statistic
    assert kendall_tau(x, y) == pytest.approx(tau, abs=1e-14)
    assert spearman_rho(x, y) == pytest.approx(rho, abs=1e-14)


def test_minus_infinity_is_the_last_rank():
    x, y = draw(1, 30)
    failed = np.where(x < -0.5, -np.inf, x)
    last = np.where(x < -0.5, -99.0, x)
    assert kendall_tau(failed, y) == kendall_tau(last, y) != kendall_tau(x, y)
    assert spearman_rho(failed, y) == spearman_rho(last, y)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([1.0], [2.0]),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]),
        ([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]),
        ([1.0, np.nan, np.nan], [1.0, 2.0, 3.0]),
        ([-np.inf, -np.inf], [1.0, 2.0]),
    ],
)
def test_undefined_is_none(x, y):
    assert kendall_tau(x, y) is None
    assert spearman_rho(x, y) is None
    assert weighted_tau(x, y) is None
    assert top10_tau(x, y) is None
    assert partial_tau(x, y, []) is None


@given(small_lists, st.randoms(use_true_random=False))
def test_turning_the_score_turns_the_sign(x, random):
    y = [random.randint(-3, 3) for _ in x]
    for statistic in (
        kendall_tau,
        spearman_rho,
        lambda a, b: partial_tau(a, b, [np.arange(len(x))]),
    ):
        value, turned = statistic(x, y), statistic(-x, y)
        assert (value is None) == (turned is None)
        if value is not None:
            assert turned == pytest.approx(-value, abs=1e-9)
            assert -1 <= value <= 1


@given(small_lists, st.randoms(use_true_random=False))
def test_kendall_tau_equals_the_loop(x, random):
    y = [random.randint(-3, 3) for _ in x]
    assert kendall_tau(x, y) == (
        None if brute_tau(x, y) is None else pytest.approx(brute_tau(x, y), abs=1e-12)
    )


@given(small_lists, st.randoms(use_true_random=False), st.booleans())
def test_equal_to_scipy_with_ties_nan_and_constants(x, random, gaps):
    x = x.astype(float)
    y = np.array([float(random.randint(-3, 3)) for _ in x])
    if gaps:
        x[random.randrange(len(x))] = np.nan
    there = ~np.isnan(x)
    constant = there.sum() < 2 or np.ptp(x[there]) == 0 or np.ptp(y[there]) == 0
    for ours, theirs in (
        (kendall_tau, stats.kendalltau),
        (spearman_rho, stats.spearmanr),
        (weighted_tau, stats.weightedtau),
    ):
        expected = None if constant else theirs(x[there], y[there]).statistic
        assert ours(x, y) == (None if constant else pytest.approx(expected, abs=1e-12))


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("n", [30, 301])
def test_weighted_tau_equals_scipy(n, decimals):
    x, y = draw(n, n, decimals=decimals)
    assert weighted_tau(x, y) == pytest.approx(stats.weightedtau(x, y).statistic, abs=1e-13)
    failed, last = np.where(x < -0.5, -np.inf, x), np.where(x < -0.5, -99.0, x)
    assert weighted_tau(failed, y) == pytest.approx(stats.weightedtau(last, y).statistic, abs=1e-13)


def test_weighted_tau_counts_the_top_most():
    order = np.arange(20.0)
    low, high = order.copy(), order.copy()
    low[[0, 1]], high[[18, 19]] = low[[1, 0]], high[[19, 18]]
    assert weighted_tau(high, order) < weighted_tau(low, order) < 1
    assert kendall_tau(high, order) == kendall_tau(low, order)


def test_top10_tau_takes_the_best_tenth_by_accuracy():
    accuracy = np.arange(40.0)
    score = np.zeros(40)
    score[36:] = [4, 3, 2, 1]  # opposite order among the best four
    assert kendall_tau(score, accuracy) > 0
    assert top10_tau(score, accuracy) == -1


def test_top10_tau_rounds_up_and_keeps_ties_at_the_edge():
    # a tenth of 11 is 2 networks; the second best ties with the third, so 3 count
    accuracy = [*range(8), 10, 10, 11]
    score = [*range(8), 3, 1, 2]
    assert top10_tau(score, accuracy) == pytest.approx(0.0)
    assert top10_tau([*range(8), 0, 1, 2], [*range(8), 8, 9, 10]) == 1  # only the last two
    assert top10_tau([1, 2, 3], [1, 2, 3]) is None  # a single network


@pytest.mark.parametrize("seed", range(5))
def test_partial_tau_of_one_covariate_is_kendalls_formula(seed):
    s, a, z = draw(seed, 50, k=3)
    sa, sz, az = kendall_tau(s, a), kendall_tau(s, z), kendall_tau(a, z)
    expected = (sa - sz * az) / math.sqrt((1 - sz**2) * (1 - az**2))
    assert partial_tau(s, a, [z]) == pytest.approx(expected, abs=1e-12)
    assert partial_tau(s, a, []) == pytest.approx(sa, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_partial_tau_of_three_covariates(seed):
    columns = draw(seed, 60, k=5)
    s, a, *covariates = columns
    P = np.linalg.pinv([[stats.kendalltau(x, y).statistic for y in columns] for x in columns])
    assert partial_tau(s, a, covariates) == pytest.approx(
        -P[0, 1] / math.sqrt(P[0, 0] * P[1, 1]), abs=1e-10
    )

    # by another way: correlation of what is left of the pairs' signs after least squares on the
    # signs of the covariates
    signs = [np.sign(np.subtract.outer(x, x)).ravel() for x in columns]
    signs = [sign / np.linalg.norm(sign) for sign in signs]
    Z = np.stack(signs[2:], axis=1)
    left = [sign - Z @ np.linalg.lstsq(Z, sign, rcond=None)[0] for sign in signs[:2]]
    expected = left[0] @ left[1] / math.sqrt((left[0] @ left[0]) * (left[1] @ left[1]))
    assert partial_tau(s, a, covariates) == pytest.approx(expected, abs=1e-10)


def test_partial_tau_drops_what_adds_nothing():
    s, a, z, u = draw(3, 50, k=4)
    expected = partial_tau(s, a, [z])
    assert partial_tau(s, a, [z, np.exp(z), -z, np.ones(50)]) == pytest.approx(expected, abs=1e-12)
    # a score that is itself a covariate is partialled on the others
    assert partial_tau(s, a, [s, z, u]) == partial_tau(s, a, [z, u])
    assert partial_tau(s, a, [2 * s, z, -(s**3)]) == pytest.approx(expected, abs=1e-12)


def test_partial_tau_where_the_order_is_settled():
    s, a, z = draw(4, 50, k=3)
    assert partial_tau(a, a, [z]) == pytest.approx(1)
    assert partial_tau(-a, a, [z]) == pytest.approx(-1)
    assert partial_tau(s, a, [a]) is None  # the covariate leaves nothing of the accuracy
    assert partial_tau(s, a, [np.where(np.arange(50) < 48, np.nan, z)]) is not None
    assert partial_tau(s, a, [np.full(50, np.nan)]) is None
