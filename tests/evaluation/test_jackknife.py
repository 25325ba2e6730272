"""Influence values, and how they agree with the bootstrap."""

import numpy as np
import pytest

from gradalign.evaluation.bootstrap import Bootstrap
from gradalign.evaluation.jackknife import Jackknife
from gradalign.evaluation.pairs import dense_ranks
from gradalign.evaluation.partial import partial_correlation
from gradalign.evaluation.rank_statistics import kendall_tau, partial_tau, spearman_rho

STEP = 1e-5


def lists_of(n, k=4, decimals=1, seed=0):
    """k correlated lists; the second is the accuracy."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=n)
    return [(common + generator.normal(size=n)).round(decimals) for _ in range(k)]


def weighted_tau_b(x, y, weights):
    """Tau-b of networks that count with a weight, from sign matrices."""
    S, A = (np.sign(np.subtract.outer(values, values)) for values in (x, y))
    W = np.outer(weights, weights)
    return (W * S * A).sum() / np.sqrt((W * S**2).sum() * (W * A**2).sum())


def weighted_rho(x, y, weights):
    """Correlation of the mean ranks of networks that count with a weight."""
    X, Y = (np.sign(np.subtract.outer(values, values)) @ weights for values in (x, y))
    return (weights * X * Y).sum() / np.sqrt((weights * X**2).sum() * (weights * Y**2).sum())


def weighted_partial(lists, weights):
    matrix = np.array([[weighted_tau_b(x, y, weights) for y in lists] for x in lists])
    return float(partial_correlation(matrix))


def derivative(statistic, n):
    """By each weight, by central differences at equal weights."""
    ones = np.ones(n)
    return np.array(
        [(statistic(ones + STEP * e) - statistic(ones - STEP * e)) / (2 * STEP) for e in np.eye(n)]
    )


def partial(method, lists):
    ranks = dense_ranks(lists)
    values, parts = method.tau(ranks, ranks)
    return method.partial(values, parts)


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_influences_are_derivatives_by_the_weights(decimals):
    n = 25
    x, y, *others = lists_of(n, decimals=decimals)
    x[:3] = -np.inf  # failed
    ranks, method = dense_ranks([x, y]), Jackknife(n)
    tau, tau_influences = method.tau(ranks, ranks)
    rho, rho_influences = method.rho(ranks, ranks[1])
    assert tau[0, 1] == kendall_tau(x, y)
    assert rho[0] == spearman_rho(x, y)
    finite = np.maximum(x, -99)
    for found, expected in (
        (tau_influences[0, 1], derivative(lambda w: weighted_tau_b(finite, y, w), n)),
        (rho_influences[0], derivative(lambda w: weighted_rho(finite, y, w), n)),
        (
            partial(method, [x, y, *others]),
            derivative(lambda w: weighted_partial([finite, y, *others], w), n),
        ),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-8)
        assert found.sum() == pytest.approx(0, abs=1e-12)


def half_width(interval):
    return (interval[1] - interval[0]) / 2


@pytest.mark.parametrize("decimals", [0, 8])
def test_agrees_with_the_bootstrap(decimals):
    n = 1000
    lists = lists_of(n, decimals=decimals)
    x, y, *covariates = lists
    ranks = dense_ranks(lists)
    methods = Jackknife(n), Bootstrap(n, 2000)
    tau, rho, parts, difference = [], [], [], []
    for method in methods:
        taus = method.tau(ranks[[0, 2]], ranks[1:2])[1][:, 0]
        tau.append(method.interval(kendall_tau(x, y), taus[0]))
        rho.append(method.interval(spearman_rho(x, y), method.rho(ranks[:1], ranks[1])[1][0]))
        parts.append(method.interval(partial_tau(x, y, covariates), partial(method, lists)))
        gap = kendall_tau(x, y) - kendall_tau(covariates[0], y)
        difference.append(method.difference_interval(gap, taus[0] - taus[1]))
    # the bootstrap's own standard error has an error of 1.6 %, its quantiles some more
    for ours, theirs in (tau, rho, parts, difference):
        assert half_width(ours) == pytest.approx(half_width(theirs), rel=0.06)
        assert ours == pytest.approx(theirs, abs=0.12 * half_width(theirs))


def test_intervals_stay_within_bounds():
    x = np.arange(12.0)
    nearly = x.copy()
    nearly[[4, 5]] = nearly[[5, 4]]
    ranks, method = dense_ranks([nearly, x, -x, np.ones(12)]), Jackknife(12)
    values, influences = method.tau(ranks, ranks[1:2])
    low, high = method.interval(values[0, 0], influences[0, 0])
    assert low < values[0, 0] < high < 1
    assert method.interval(values[1, 0], influences[1, 0]) == (1, 1)
    assert method.interval(values[2, 0], influences[2, 0]) == (-1, -1)
    assert method.interval(values[3, 0], influences[3, 0]) is None
    assert method.difference_interval(0.0, influences[3, 0]) is None
    assert np.isnan(method.rho(ranks[3:], ranks[0])[1]).all()
