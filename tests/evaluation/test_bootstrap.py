import math

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gradalign.evaluation.bootstrap import Bootstrap
from gradalign.evaluation.pairs import dense_ranks
from gradalign.evaluation.rank_statistics import kendall_tau, partial_tau, spearman_rho


def naive(statistic, x, y, counts):
    """The statistic of each resample written out as a list with repetitions."""
    values = []
    for count in counts.T.astype(int):
        drawn = np.repeat(np.arange(len(x)), count)
        a, b = x[drawn], y[drawn]
        constant = (a == a[0]).all() or (b == b[0]).all()
        values.append(math.nan if constant else statistic(a, b).statistic)
    return np.array(values)


def two_lists(seed, n, decimals):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=n)
    return x.round(decimals), (x + generator.normal(size=n)).round(decimals)


def taus(draws, x, y):
    return draws.tau(dense_ranks([x]), dense_ranks([y]))[1][0, 0]


def rhos(draws, x, y):
    return draws.rho(dense_ranks([x]), dense_ranks([y])[0])[1][0]


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("n", [2, 3, 9, 33])
def test_equal_to_a_loop_with_scipy_over_the_same_resamples(n, decimals):
    x, y = two_lists(n, n, decimals)
    draws = Bootstrap(n, 40, seed=1)
    for fast, slow in (
        (taus, stats.kendalltau),
        (rhos, stats.spearmanr),
    ):
        np.testing.assert_allclose(fast(draws, x, y), naive(slow, x, y, draws.counts), atol=1e-12)


@given(
    arrays.arrays(np.int64, st.tuples(st.just(2), st.integers(2, 20)), elements=st.integers(0, 4)),
    st.integers(0, 5),
)
@settings(max_examples=50)
def test_tau_equals_the_form_with_sign_matrices(lists, seed):
    x, y = lists
    draws = Bootstrap(len(x), 5, seed)
    S, A = (np.sign(np.subtract.outer(values, values)) for values in (x, y))
    for w, tau in zip(draws.counts.T, taus(draws, x, y), strict=True):
        product = (w @ S**2 @ w) * (w @ A**2 @ w)
        expected = w @ (S * A) @ w / math.sqrt(product) if product else math.nan
        assert tau == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_failed_networks_take_part_as_the_last():
    x, y = two_lists(0, 25, 1)
    failed, last = x.copy(), x.copy()
    failed[:5], last[:5] = -np.inf, -99.0
    draws = Bootstrap(25, 30)
    np.testing.assert_array_equal(taus(draws, failed, y), taus(draws, last, y))
    np.testing.assert_array_equal(rhos(draws, failed, y), rhos(draws, last, y))


def test_draws_are_seeded_and_complete():
    counts = Bootstrap(20, 50, seed=3).counts
    np.testing.assert_array_equal(counts, Bootstrap(20, 50, seed=3).counts)
    assert (counts != Bootstrap(20, 50, seed=4).counts).any()
    assert (counts.sum(axis=0) == 20).all()
    # a network is missing from a resample with probability (1 - 1/n)^n
    assert (counts == 0).mean() == pytest.approx(0.95**20, abs=0.03)


def test_interval_is_made_of_percentiles_of_what_is_defined():
    values = np.append(np.arange(201.0), np.nan)
    draws = Bootstrap(5)
    assert draws.interval(99.0, values) == pytest.approx((5.0, 195.0))
    assert draws.difference_interval(99.0, values) == draws.interval(99.0, values)
    assert draws.stderr(values) == pytest.approx(np.arange(201).std(ddof=1))
    assert draws.interval(0.0, np.array([np.nan, np.nan])) is None
    assert math.isnan(draws.stderr(np.array([np.nan, 1.0])))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_without_resamples_there_is_the_value_only(n):
    ranks = dense_ranks([np.arange(n), np.arange(n)[::-1]])
    draws = Bootstrap(n, 0)
    values, replicates = draws.tau(ranks, ranks[:1])
    assert replicates.shape == (2, 1, 0)
    rho, rho_replicates = draws.rho(ranks, ranks[0])
    assert rho_replicates.shape == (2, 0)
    for found in (values[:, 0], rho):
        np.testing.assert_array_equal(found, [1, -1] if n > 1 else [np.nan, np.nan])
    assert draws.interval(1.0, replicates[0, 0]) is None


def test_values_are_those_of_the_sample():
    x, y = two_lists(0, 50, 1)
    draws, ranks = Bootstrap(50, 10), dense_ranks([x, y])
    assert draws.tau(ranks, ranks)[0][0, 1] == kendall_tau(x, y)
    assert draws.rho(ranks, ranks[1])[0][0] == spearman_rho(x, y)


def test_partial_tau_of_every_resample():
    n, draws = 40, Bootstrap(40, 30)
    lists = [two_lists(seed, n, 1)[1] for seed in range(4)]
    ranks = dense_ranks(lists)
    values, parts = draws.tau(ranks, ranks)
    found = draws.partial(values, parts)
    expected = []
    for count in draws.counts.T.astype(int):
        drawn = np.repeat(np.arange(n), count)
        expected.append(
            partial_tau(lists[0][drawn], lists[1][drawn], [x[drawn] for x in lists[2:]])
        )
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_paired_differences_are_narrower_than_unpaired_ones():
    x, y = two_lists(5, 100, 8)
    near = x + 0.05 * np.random.default_rng(6).normal(size=100)
    draws, others = Bootstrap(100, 400, seed=0), Bootstrap(100, 400, seed=1)
    paired = taus(draws, x, y) - taus(draws, near, y)
    unpaired = taus(draws, x, y) - taus(others, near, y)
    assert paired.std() < unpaired.std() / 3
