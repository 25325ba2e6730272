"""Which candidates can be told apart."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp, ttest_rel

from gradalign.separation import better_pairs, neighbour_groups, rank_intervals, told_from


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_two_candidates_are_apart_where_the_paired_t_interval_excludes_zero(shift):
    decisions = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=5)
        values = np.stack([common + rng.normal(size=5) + shift, common + rng.normal(size=5)])
        low, high = ttest_rel(*values).confidence_interval(0.95)
        better = better_pairs(values)
        assert better[0, 1] == (low > 0)
        assert better[1, 0] == (high < 0)
        decisions.add(bool(better.any()))
    assert decisions == {True, False} or shift in (0.0, 5.0)


def naive_better_pairs(values):
    """Holm's procedure over all ordered pairs, one hypothesis after the other."""
    pairs = list(itertools.permutations(range(len(values)), 2))
    chances = {
        (i, j): ttest_1samp(values[i] - values[j], 0, alternative="greater").pvalue
        for i, j in pairs
    }
    better = np.zeros((len(values), len(values)), dtype=bool)
    for done, pair in enumerate(sorted(pairs, key=chances.get)):
        if chances[pair] > 0.05 / (len(pairs) - done):
            break
        better[pair] = True
    return better


def test_many_candidates_are_compared_by_holms_procedure():
    counts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(6, 1)) * 6 + rng.normal(size=(6, 4))
        better = better_pairs(values)
        assert np.array_equal(better, naive_better_pairs(values))
        counts.append(int(better.sum()))
    assert min(counts) < max(counts)  # the cases are neither all clear nor all unclear


def test_the_stated_error_holds_for_all_pairs_together():
    """Six equal candidates: any order that is stated is wrong."""
    rng = np.random.default_rng(0)
    trials = 1500
    wrong = sum(bool(better_pairs(rng.normal(size=(6, 5))).any()) for _ in range(trials))
    assert wrong / trials <= 0.05 + 3 * (0.05 * 0.95 / trials) ** 0.5
    assert wrong > 0  # the procedure does state orders


def test_rank_intervals_hold_the_ranks_all_together():
    """Three levels of two, differences small enough to be missed now and then."""
    rng = np.random.default_rng(1)
    truth = np.array([2.0, 2.0, 1.0, 1.0, 0.0, 0.0])
    allowed = [(1, 2), (1, 2), (3, 4), (3, 4), (5, 6), (5, 6)]
    trials, missed, narrower = 600, 0, 0
    for _ in range(trials):
        intervals = rank_intervals(better_pairs(truth[:, None] + rng.normal(size=(6, 8)) * 0.4))
        missed += any(
            low > best or high < worst
            for (low, high), (best, worst) in zip(intervals, allowed, strict=True)
        )
        narrower += intervals[0] != (1, 6)
    assert missed / trials <= 0.05 + 3 * (0.05 * 0.95 / trials) ** 0.5
    assert narrower > trials / 2


def test_differences_that_do_not_vary_decide_by_their_sign():
    values = np.array([[3.0, 4.0, 5.0], [2.0, 3.0, 4.0], [2.0, 3.0, 4.0]])
    expected = [[False, True, True], [False, False, False], [False, False, False]]
    assert better_pairs(values).tolist() == expected


def test_one_repeat_or_one_in_common_decides_nothing():
    assert not better_pairs(np.array([[9.0], [1.0]])).any()
    nan = np.nan
    assert not better_pairs(np.array([[9.0, 9.0, nan], [nan, 1.0, 1.0]])).any()
    assert better_pairs(np.array([[9.0, 9.0, nan], [1.0, 1.0, 1.0]]))[0, 1]
    assert better_pairs(np.array([[9.0, 9.0]])).tolist() == [[False]]


def test_intervals_count_the_better_and_the_worse():
    better = np.array([[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)
    assert rank_intervals(better) == [(1, 1), (2, 3), (2, 4), (3, 4)]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_groups_are_the_longest_runs_that_hold_together(count, seed):
    draw = np.random.default_rng(seed).random((count, count)) < 0.4
    apart = np.triu(draw, 1) | np.triu(draw, 1).T
    runs = [
        range(start, stop)
        for start in range(count)
        for stop in range(start + 2, count + 1)
        if not apart[start:stop, start:stop].any()
    ]
    longest = [
        run for run in runs if not any(run != other and set(run) <= set(other) for other in runs)
    ]
    assert neighbour_groups(apart) == longest


def test_against_a_reference_only_its_own_pairs_are_tested():
    seen = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        reference = rng.normal(size=4)
        values = reference + rng.normal(size=(7, 1)) * 8 + rng.normal(size=(7, 4))
        chances = {
            (k, sign): ttest_1samp(sign * (values[k] - reference), 0, alternative="greater").pvalue
            for k in range(7)
            for sign in (1, -1)
        }
        expected = np.zeros(7)
        for done, (k, sign) in enumerate(sorted(chances, key=chances.get)):
            if chances[k, sign] > 0.05 / (14 - done):
                break
            expected[k] = sign
        assert np.array_equal(told_from(values, reference), expected)
        seen |= set(expected)
    assert seen == {-1.0, 0.0, 1.0}


def test_one_reference_and_one_other_are_told_apart_as_a_pair():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(2, 5)) + np.array([[0.0], [1.5]])
        pair = better_pairs(values)
        assert told_from(values[1:], values[0]) == float(pair[1, 0]) - float(pair[0, 1])


def test_nothing_is_told_from_one_repeat_or_from_a_failure():
    reference = np.array([1.0, 2.0, 3.0])
    values = np.array([[2.0, np.nan, np.nan], [2.0, 3.0, np.nan], [1.0, 2.0, 3.0]])
    found = told_from(values, reference)
    assert np.isnan(found[0])
    assert list(found[1:]) == [1.0, 0.0]  # a difference that does not vary decides by its sign
