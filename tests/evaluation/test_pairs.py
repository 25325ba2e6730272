"""Counting of concordant pairs."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradalign.evaluation.pairs import (
    agreement,
    dense_ranks,
    rhos,
    sign_sums,
    taus,
    untied,
    weighted_taus,
)


def signs(values):
    return np.sign(np.subtract.outer(values, values))


@given(
    arrays.arrays(
        np.int64, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=st.integers(-3, 3)
    )
)
def test_counts_equal_those_of_sign_matrices(lists):
    ranks = dense_ranks(lists)
    matrices = np.stack([signs(values) for values in lists])
    np.testing.assert_array_equal(sign_sums(ranks), matrices.sum(axis=2))
    np.testing.assert_array_equal(untied(ranks), np.abs(matrices).sum(axis=2))
    np.testing.assert_array_equal(agreement(ranks, ranks[0]), (matrices * matrices[0]).sum(axis=2))


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 500])
def test_counts_without_ties(n):
    lists = np.random.default_rng(n).normal(size=(3, n))
    ranks = dense_ranks(lists)
    np.testing.assert_array_equal(ranks, lists.argsort(axis=1).argsort(axis=1))
    expected = (np.stack([signs(values) for values in lists]) * signs(lists[0])).sum(axis=2)
    np.testing.assert_array_equal(agreement(ranks, ranks[0]), expected)


def test_failed_networks_have_the_lowest_rank():
    assert dense_ranks([[0.5, -np.inf, -7, -np.inf, 0.5]]).tolist() == [[2, 0, 1, 0, 2]]


@pytest.mark.parametrize("statistic", [taus, rhos, weighted_taus])
def test_lists_side_by_side_equal_each_alone(statistic):
    lists = np.random.default_rng(0).normal(size=(5, 37)).round(1)
    lists[3] = 1.0  # constant
    ranks = dense_ranks(lists)
    alone = [statistic(ranks[k : k + 1], ranks[0])[0] for k in range(5)]
    np.testing.assert_array_equal(statistic(ranks, ranks[0]), alone)
    assert np.isnan(alone[3])
    assert alone[0] == pytest.approx(1, abs=1e-15)
