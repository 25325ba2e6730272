"""The share of the variance of ranks between networks, against its formula and known cases."""

import numpy as np
import pytest
from scipy.stats import rankdata

from gradalign.studies.sensitivity.variance import intraclass


def once(values):
    return float(intraclass(values, np.ones((len(values), 1)))[0])


def shrout_and_fleiss(values):
    """ICC(3,1) of the ranks, by the sums of squares of the two-way layout."""
    ranks = np.apply_along_axis(rankdata, 0, values)
    n, k = ranks.shape
    grand = ranks.mean()
    networks = k * ((ranks.mean(1) - grand) ** 2).sum() / (n - 1)
    fitted = ranks.mean(1)[:, None] + ranks.mean(0)[None] - grand
    rest = ((ranks - fitted) ** 2).sum() / ((n - 1) * (k - 1))
    return (networks - rest) / (networks + (k - 1) * rest)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_intraclass_correlation(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(12, 4)) + 2 * rng.normal(size=(12, 1))
    values[3] = values[4]  # ties
    assert once(values) == pytest.approx(shrout_and_fleiss(values))


def test_a_resample_counts_networks_as_often_as_they_were_drawn():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 3)) + rng.normal(size=(6, 1))
    counts = np.array([2.0, 0, 1, 1, 2, 0])
    drawn = np.repeat(values, counts.astype(int), axis=0)
    assert intraclass(values, counts[:, None])[0] == pytest.approx(shrout_and_fleiss(drawn))


def test_one_order_and_none():
    same = np.array([[1.0, 10.0], [2.0, 30.0], [5.0, 70.0]])
    assert once(same) == 1
    assert once(same * [1, -1]) == pytest.approx(-1)
    assert np.isnan(once(np.ones((4, 3))))
    assert np.isnan(once(same[:, :1]))
