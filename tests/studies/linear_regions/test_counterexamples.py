"""Searches among networks, and the intervals of what is found."""

import itertools

import numpy as np
import pytest
from scipy import stats

from gradalign.studies._estimates import mean
from gradalign.studies.linear_regions.counterexamples import (
    longest_chain,
    welch,
    worst_pair,
    wrong_pairs,
)


def networks(*pairs, size=None):
    return [
        {
            "arch": str(k),
            "accuracy": accuracy,
            "values": {"count": count, "params": k if size is None else size[k]},
        }
        for k, (count, accuracy) in enumerate(pairs)
    ]


def test_the_worst_pair_has_as_many_regions_and_falls_furthest():
    found = networks((5, 60.0), (3, 90.0), (9, 95.0), (3, 50.0))
    assert [n["arch"] for n in worst_pair(found, "count")] == ["3", "1"]
    found[3]["values"]["count"] = 2
    assert [n["arch"] for n in worst_pair(found, "count")] == ["0", "1"]


def test_a_pair_of_one_size():
    found = networks((5, 60.0), (3, 90.0), (4, 80.0), size=[1, 2, 1])
    assert [n["arch"] for n in worst_pair(found, "count")] == ["0", "1"]
    assert [n["arch"] for n in worst_pair(found, "count", same_size=True)] == ["0", "2"]


def test_a_clear_pair():
    found = networks((5, 10.0), (4.5, 90.0), (4, 80.0))
    assert [n["arch"] for n in worst_pair(found, "count", times=1.2)] == ["0", "2"]
    assert worst_pair(found, "count", times=2) is None


def test_no_pair_where_the_count_is_right_and_none_without_counts():
    assert worst_pair(networks((1, 10.0), (2, 20.0)), "count") is None
    assert worst_pair(networks((1, 10.0), (2, 5.0)), "another") is None
    assert longest_chain(networks((1, 10.0)), "another") == []
    assert wrong_pairs([], "count") == {"pairs": 0, "tied": None, "wrong": None}


def test_wrong_pairs_by_hand():
    found = networks((1, 30.0), (2, 20.0), (2, 40.0), (3, 40.0))
    assert wrong_pairs(found, "count") == {"pairs": 5, "tied": 0.2, "wrong": 0.2}


def test_the_longest_chain_is_the_longest_of_all_subsets():
    rng = np.random.default_rng(1)
    found = networks(*((int(c), float(a)) for c, a in rng.integers(0, 6, (9, 2))))

    def falls(chain):
        return all(
            a["values"]["count"] < b["values"]["count"] and a["accuracy"] > b["accuracy"]
            for a, b in itertools.pairwise(chain)
        )

    longest = max(
        size
        for size in range(1, 10)
        if any(falls(chain) for chain in itertools.permutations(found, size) if size < 6)
    )
    chain = longest_chain(found, "count")
    assert falls(chain)
    assert len(chain) == longest


def test_intervals_are_student_s_and_welch_s():
    rng = np.random.default_rng(2)
    a, b = rng.normal(1, 1, 6), rng.normal(0, 3, 9)
    assert mean(a).ci == pytest.approx(stats.ttest_1samp(a, 0).confidence_interval())
    found = stats.ttest_ind(a, b, equal_var=False)
    assert welch(a, b).ci == pytest.approx(found.confidence_interval())
    assert welch(a, b).value == pytest.approx(a.mean() - b.mean())
    assert mean([1.0]).ci is welch([1.0], [2.0, 3.0]).ci is None
    assert welch([1.0, 1.0], [3.0, 3.0]).ci == (-2.0, -2.0)
