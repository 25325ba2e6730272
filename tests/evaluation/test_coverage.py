"""Intervals cover, and tests reject, at the rate that they promise: simulated studies, fixed seeds.

Bivariate normal values with correlation r have tau = 2/pi arcsin r and rho = 6/pi arcsin r/2; two
scores that are equally good have no difference in tau. Rounded values have ties; their tau is that
of many networks. A share of S studies that should be .95 has a standard deviation of
sqrt(.95 .05 / S). There are some 60 such shares here, so each may lie three and a half of them off:
one of 2,000 does by chance.
"""

import math

import numpy as np
import pytest

from gradalign.evaluation.bootstrap import Bootstrap
from gradalign.evaluation.difference import PairedDifference, two_sided, with_holm
from gradalign.evaluation.jackknife import Jackknife
from gradalign.evaluation.pairs import dense_ranks, rhos, taus

SPREADS = 3.5


def simulate(generator, n, r, decimals):
    """Accuracies and two scores that are equally good, dense ranks [3, n]."""
    accuracy, *noise = generator.normal(size=(3, n))
    lists = [accuracy, *(r * accuracy + math.sqrt(1 - r**2) * e for e in noise)]
    return dense_ranks(np.round(lists, decimals))


def true_values(r, decimals):
    if decimals > 5:
        return 2 / math.pi * math.asin(r), 6 / math.pi * math.asin(r / 2)
    many = simulate(np.random.default_rng(99), 1_000_000, r, decimals)
    return taus(many[1:2], many[0])[0], rhos(many[1:2], many[0])[0]


def covered(method, n, r, decimals, studies):
    """Share of the studies whose interval holds the true tau, rho and difference; p below .05."""
    generator = np.random.default_rng(n)
    tau, rho = true_values(r, decimals)
    hits = np.zeros(4)
    for study in range(studies):
        ranks = simulate(generator, n, r, decimals)
        way = Bootstrap(n, 400, seed=study) if method == "bootstrap" else Jackknife(n)
        values, own = way.tau(ranks[1:], ranks[:1])
        rho_value, rho_own = way.rho(ranks[1:2], ranks[0])
        difference, replicates = values[0, 0] - values[1, 0], own[0, 0] - own[1, 0]
        intervals = (
            (way.interval(values[0, 0], own[0, 0]), tau),
            (way.interval(rho_value[0], rho_own[0]), rho),
            (way.difference_interval(difference, replicates), 0.0),
        )
        hits[:3] += [low <= truth <= high for (low, high), truth in intervals]
        hits[3] += two_sided(difference, way.stderr(replicates)) < 0.05
    return hits / studies


def check(method, n, r, decimals, studies):
    *shares, rejected = covered(method, n, r, decimals, studies)
    reach = SPREADS * math.sqrt(0.95 * 0.05 / studies)
    assert shares == pytest.approx([0.95] * 3, abs=reach)
    assert rejected == pytest.approx(0.05, abs=reach)


@pytest.mark.parametrize("method", ["bootstrap", "jackknife"])
@pytest.mark.parametrize("decimals", [8, 0])
def test_coverage(method, decimals):
    check(method, 100, 0.6, decimals, studies=250)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["bootstrap", "jackknife"])
@pytest.mark.parametrize("decimals", [8, 0])
@pytest.mark.parametrize(("n", "r"), [(100, 0.3), (100, 0.8), (300, 0.6)])
def test_coverage_of_many_studies(method, n, r, decimals):
    check(method, n, r, decimals, studies=800)


def pair(p):
    """A difference of which only p matters."""
    return PairedDifference(
        proxy_a="a",
        proxy_b="b",
        metric="m",
        n=100,
        difference=0.1,
        difference_ci=None,
        p=p,
        p_holm=None,
    )


def test_corrected_p_rejects_seldom_among_equal_scores():
    """Of 200 tables of 6 equal scores a twentieth has a difference with p_holm < .05, or fewer."""
    generator, n, tables = np.random.default_rng(7), 100, 200
    wrong = 0
    for _ in range(tables):
        accuracy = generator.normal(size=n)
        lists = dense_ranks(0.6 * accuracy + 0.8 * generator.normal(size=(6, n)))
        values, own = Jackknife(n).tau(lists, dense_ranks([accuracy]))
        pairs = [
            pair(two_sided(values[a, 0] - values[b, 0], Jackknife(n).stderr(own[a, 0] - own[b, 0])))
            for a in range(6)
            for b in range(a)
        ]
        wrong += any(pair.p_holm < 0.05 for pair in with_holm(pairs))
    assert wrong / tables <= 0.05 + SPREADS * math.sqrt(0.05 * 0.95 / tables)
