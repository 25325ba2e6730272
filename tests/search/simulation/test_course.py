import numpy as np
import pytest
from scipy.stats import t as student

from gradalign.search.simulation import Course, cost_ratio, mean_curve


def course(*trainings):
    found = Course()
    for spent, accuracy in trainings:
        found.add(spent, accuracy)
    return found


ONE = course((1.0, 50.0), (2.0, 40.0), (4.0, 70.0))
TWO = course((2.0, 60.0), (3.0, 80.0))


def test_a_course_keeps_what_is_better():
    assert (ONE.spent, ONE.best) == ([1.0, 4.0], [50.0, 70.0])
    assert (ONE.trainings, ONE.cost, ONE.number) == (3, 4.0, [1, 3])
    found = ONE.at(np.array([0.5, 1.0, 3.9, 4.0, 9.0]))
    np.testing.assert_array_equal(found, [np.nan, 50.0, 50.0, 70.0, 70.0])


def test_trainings_are_counted():
    counted = ONE.in_trainings()
    assert (counted.spent, counted.best, counted.cost) == ([1.0, 3.0], [50.0, 70.0], 3.0)
    np.testing.assert_array_equal(counted.at(np.arange(1.0, 5.0)), [50.0, 50.0, 70.0, 70.0])


def test_the_mean_of_two_courses():
    middle, half = mean_curve([ONE, TWO], np.array([1.0, 2.0, 3.0, 5.0]))
    np.testing.assert_array_equal(middle, [np.nan, 55.0, 65.0, 75.0])
    # two values a and b: standard error |a - b| / 2
    np.testing.assert_allclose(half[1:], student.ppf(0.975, 1) * np.array([5.0, 15.0, 5.0]))


def test_one_course_has_no_interval():
    assert np.isnan(mean_curve([ONE], np.array([5.0]))[1]).all()


def test_the_share_of_the_cost():
    costs = np.linspace(0, 10, 101)[1:]
    plain = [course((1.0, 50.0), (9.0, 60.0))] * 5
    assisted = [course((1.0, 55.0), (2.5, 61.0))] * 5
    assert cost_ratio(plain, assisted, costs) == (0.25, (0.25, 0.25))
    assert cost_ratio(plain, plain, costs) == (0.9, (0.9, 0.9))
    worse = [course((1.0, 59.0))] * 5
    assert cost_ratio(plain, worse, costs) == (np.inf, (np.inf, np.inf))


def test_the_interval_of_the_share_covers_it():
    rng = np.random.default_rng(0)
    costs = np.linspace(0, 10, 101)[1:]

    def runs(n):
        # the mean of the best found rises by 1 a unit of cost, for these twice as fast
        return (
            [course(*((k, k + rng.normal(0, 0.5)) for k in range(1, 11))) for _ in range(n)],
            [course(*((k / 2, k + rng.normal(0, 0.5)) for k in range(1, 21))) for _ in range(n)],
        )

    covered = 0
    for seed in range(20):
        ratio, (low, high) = cost_ratio(*runs(40), costs, resamples=200, seed=seed)
        assert low <= ratio <= high
        covered += low <= 0.5 <= high
    assert covered >= 17
    assert pytest.approx(0.5, abs=0.1) == cost_ratio(*runs(400), costs)[0]
