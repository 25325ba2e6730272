from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradalign.evaluation.selection import (
    pick_probabilities,
    picked_accuracy,
    regret,
    selected_accuracy,
)


def enumerate_draws(score, accuracy, draw):
    """Mean and sd over every possible draw and every network that ties for the best in it."""
    outcomes, weights = [], []
    for drawn in combinations(range(len(score)), draw):
        best = [i for i in drawn if score[i] == max(score[j] for j in drawn)]
        outcomes += [accuracy[i] for i in best]
        weights += [1 / len(best)] * len(best)
    mean = np.average(outcomes, weights=weights)
    return mean, np.sqrt(np.average((outcomes - mean) ** 2, weights=weights))


@given(st.lists(st.integers(0, 4), min_size=2, max_size=8), st.data())
@settings(max_examples=60)
def test_equal_to_enumeration_with_ties(score, data):
    draw = data.draw(st.integers(1, len(score) - 1))
    accuracy = np.random.default_rng(len(score)).normal(90, 3, size=len(score))
    assert selected_accuracy(score, accuracy, draw) == pytest.approx(
        enumerate_draws(score, accuracy, draw), abs=1e-9
    )


def test_by_hand():
    # draws of 2 from 3: the best (90) is in two of three, else the second (60)
    assert pick_probabilities([3, 1, 2], 2) == pytest.approx([2 / 3, 0, 1 / 3])
    selected = selected_accuracy([3, 1, 2], [90, 10, 60], 2)
    assert selected.mean == pytest.approx(80)
    assert selected.sd == pytest.approx(np.sqrt(200))


def test_agrees_with_sampling_in_a_large_pool():
    generator = np.random.default_rng(0)
    score = generator.normal(size=1500).round(1)
    score[:40] = -np.inf
    accuracy = 90 + score.clip(-3) + generator.normal(size=1500)
    drawn = np.stack([generator.permutation(1500)[:100] for _ in range(4000)])
    shuffled_best = np.take_along_axis(drawn, score[drawn].argmax(axis=1)[:, None], axis=1)
    sampled = accuracy[shuffled_best[:, 0]]
    selected = selected_accuracy(score, accuracy, 100)
    assert selected.mean == pytest.approx(sampled.mean(), abs=4 * sampled.std() / np.sqrt(4000))
    assert selected.sd == pytest.approx(sampled.std(), rel=0.06)
    assert pick_probabilities(score, 1000).sum() == pytest.approx(1, abs=1e-12)


def test_needs_more_networks_than_a_draw():
    assert selected_accuracy([1, 2, 3], [1, 2, 3], 3) is None
    assert selected_accuracy([1, 2, 3], [1, 2, 3], 4) is None
    assert pick_probabilities([1, 2, 3], 3) == pytest.approx([0, 0, 1])


def test_pick_of_the_whole_pool():
    assert picked_accuracy([1, 5, 3], [70, 80, 90]) == 80
    assert regret([1, 5, 3], [70, 80, 90]) == 10
    assert picked_accuracy([5, 5, 3], [70, 80, 90]) == 75
    assert regret([1, 2, 3], [70, 80, 90]) == 0
    assert picked_accuracy([], []) is None
    assert regret([], []) is None
