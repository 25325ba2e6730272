"""What a perfect score could reach."""

import math

import numpy as np
import pytest

from gradalign.evaluation.ceiling import noise_ceiling
from gradalign.evaluation.rank_statistics import kendall_tau


@pytest.mark.parametrize(("k", "noise"), [(2, 0.5), (3, 0.5), (3, 1.5), (10, 1.0)])
def test_a_perfect_score_reaches_the_ceiling(k, noise):
    generator = np.random.default_rng(k)
    quality = generator.normal(size=20_000)
    runs = quality + noise * generator.normal(size=(k, 20_000))
    ceiling = noise_ceiling(runs)
    assert ceiling.trainings == k
    r = 1 / (1 + noise**2)
    assert ceiling.between == pytest.approx(2 / math.pi * math.asin(r), abs=0.01)
    assert ceiling.of_mean == pytest.approx(kendall_tau(quality, runs.mean(axis=0)), abs=0.01)
    assert ceiling.to_dict() == vars(ceiling)


def test_between_is_the_mean_over_pairs_of_trainings():
    runs = np.random.default_rng(0).normal(size=(3, 60)) + np.arange(60) / 10
    runs[2, :20] = np.nan  # trained less often
    pairs = [kendall_tau(runs[a], runs[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert noise_ceiling(runs).between == pytest.approx(np.mean(pairs))


def test_trainings_that_repeat_each_other_leave_no_ceiling():
    ceiling = noise_ceiling(np.stack([np.arange(20.0)] * 2))
    assert (ceiling.between, ceiling.of_mean) == pytest.approx((1, 1))


def test_trainings_that_contradict_each_other_leave_nothing_to_predict():
    assert noise_ceiling(np.stack([np.arange(20.0), -np.arange(20.0)])).of_mean == 0


@pytest.mark.parametrize(
    "runs", [np.empty(0), np.arange(5.0)[None], np.ones((3, 5)), np.full((2, 5), np.nan)]
)
def test_no_ceiling(runs):
    assert noise_ceiling(runs) is None
