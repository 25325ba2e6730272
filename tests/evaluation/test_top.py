"""Statistics of the best networks."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from gradalign.evaluation.top import ndcg10, precision5

small = st.lists(st.integers(0, 5), min_size=2, max_size=45)


@given(small, st.randoms(use_true_random=False))
def test_ndcg_equals_scikit_learn_with_ties(score, random):
    accuracy = [random.randint(0, 4) for _ in score]
    assume(any(accuracy))
    count = -(-len(score) // 10)
    expected = ndcg_score([accuracy], [score], k=count)
    assert ndcg10(score, accuracy) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [9, 10, 11, 100, 1001])
def test_ndcg_of_accuracies_in_percent(n):
    generator = np.random.default_rng(n)
    accuracy = generator.uniform(10, 95, size=n)
    score = (accuracy + 30 * generator.normal(size=n)).round(-1)
    expected = ndcg_score([accuracy], [score], k=-(-n // 10))
    assert ndcg10(score, accuracy) == pytest.approx(expected, abs=1e-12)


def test_ndcg_at_its_bounds():
    accuracy = np.arange(30.0)
    assert ndcg10(accuracy, accuracy) == pytest.approx(1)
    assert ndcg10(-accuracy, accuracy) < 0.1
    assert ndcg10(np.zeros(30), np.full(30, 7.0)) == pytest.approx(1)  # scikit-learn says so too
    assert ndcg10([], []) is None
    assert ndcg10([1, 2], [0, 0]) is None  # no gain to be had; scikit-learn has 0


def test_ndcg_of_negative_accuracies_takes_the_lowest_as_no_gain():
    score, accuracy = np.random.default_rng(0).normal(size=(2, 50))
    expected = ndcg_score([accuracy - accuracy.min()], [score], k=5)
    assert ndcg10(score, accuracy) == pytest.approx(expected, abs=1e-12)


def test_failed_networks_are_last():
    score, accuracy = np.random.default_rng(1).normal(size=(2, 60))
    failed, last = score.copy(), score.copy()
    failed[:40], last[:40] = -np.inf, -99
    assert ndcg10(failed, accuracy + 9) == ndcg10(last, accuracy + 9)
    assert precision5(failed, accuracy) == precision5(last, accuracy)


def top_sets(values, count):
    """Every set of the best `count` that some way to break ties gives, as often as ways give it."""
    orders = set(permutations(range(len(values))))
    return [frozenset(sorted(order, key=lambda i: -values[i])[:count]) for order in sorted(orders)]


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_precision_is_the_mean_over_ways_to_break_ties(data):
    score, accuracy = (
        data.draw(st.lists(st.integers(0, 2), min_size=5, max_size=5)) for _ in range(2)
    )
    score, accuracy = score + [-1] * 20, accuracy + [-1] * 20  # of 25 networks the best 2
    sets = [top_sets(values[:5], 2) for values in (score, accuracy)]
    expected = np.mean([len(a & b) / 2 for a, b in product(*sets)])
    assert precision5(score, accuracy) == pytest.approx(expected, abs=1e-12)


def test_precision_by_hand():
    accuracy = np.arange(100.0)
    assert precision5(accuracy, accuracy) == 1
    assert precision5(-accuracy, accuracy) == 0
    score = accuracy.copy()
    score[95:97] = -1  # 3 of the best 5 are among the best 5 by score
    assert precision5(score, accuracy) == pytest.approx(3 / 5)
    assert precision5(np.ones(100), accuracy) == pytest.approx(5 / 100)  # what chance gives
    assert precision5(np.ones(101), np.ones(101)) == pytest.approx(6 / 101)
    assert precision5([], []) is None
