import numpy as np
import pytest
from tests.search.simulation.tables import ARCHS, table

from gradalign.errors import InputError
from gradalign.search.simulation import Assistance, Strategy, Table, simulate
from gradalign.search.simulation.run import Purse

TABLE = table()
SAMPLERS = ("random", "evolution", "reinforce", "tpe", "local_search")
HELPED = Assistance(score="oracle", pool=100, warm=4, choices=5)


def found(sampler, assistance=None, budget=20.0, seed=0, world=TABLE):
    strategy = Strategy(sampler=sampler, assistance=assistance)
    return simulate(world, strategy, budget=budget, seed=seed)


def test_the_unit_is_an_average_training():
    assert TABLE.training.mean() == pytest.approx(1.0)
    assert TABLE.training[-1] / TABLE.training[0] == pytest.approx(3.0)
    np.testing.assert_allclose(TABLE.scoring, TABLE.training / 10_000)


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(InputError, match="1 values for 2 networks"):
        Table(
            space=TABLE.space,
            archs=ARCHS[:2],
            accuracy=np.ones(1),
            training=np.ones(2),
            scoring=np.ones(2),
            scores={},
        )


def test_trainings_are_paid_for_once_and_within_the_budget():
    purse = Purse(TABLE, budget=float(TABLE.training[0] + TABLE.training[7]))
    assert purse.train(0)
    assert purse.train(0)
    assert purse.train(7)
    assert not purse.train(8)
    assert purse.spent == purse.course.cost == pytest.approx(purse.budget)
    assert purse.course.trainings == 2


def test_scores_are_paid_for_once():
    purse = Purse(TABLE, budget=1.0)
    assert purse.ranked([0, 5, 3], "oracle") == [5, 3, 0]
    assert purse.ranked([3, 5], "contrary") == [3, 5]
    assert purse.spent == pytest.approx(TABLE.scoring[[0, 3, 5]].sum())
    assert purse.course.trainings == 0


def test_networks_without_a_score_come_last():
    purse = Purse(TABLE, budget=1.0)
    assert purse.ranked([1, 3, 4], "blank") == [4, 1, 3]


@pytest.mark.parametrize("assistance", [None, HELPED], ids=["plain", "assisted"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_stays_within_its_budget_and_is_the_same_again(sampler, assistance):
    first, again = (found(sampler, assistance) for _ in range(2))
    assert first == again
    assert first.cost <= 20.0
    assert first.trainings >= 4
    assert first.best == sorted(first.best)
    assert first.spent == sorted(first.spent)
    assert first != found(sampler, assistance, seed=1)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_it_begins_with_the_best_of_the_pool(sampler):
    everything = Assistance(score="oracle", pool=len(ARCHS), warm=1, choices=3)
    course = found(sampler, everything)
    assert course.best == [TABLE.best]
    assert course.spent[0] == pytest.approx(TABLE.scoring.sum() + TABLE.training[-1])


@pytest.mark.parametrize("sampler", ["random", "evolution"])
def test_a_score_that_knows_helps_and_one_that_errs_does_harm(sampler):
    def mean(score):
        helped = None if score is None else Assistance(score=score, pool=30, warm=3, choices=5)
        return np.mean([found(sampler, helped, seed=seed).best[-1] for seed in range(6)])

    assert mean("oracle") > mean(None) > mean("contrary")


def test_a_search_ends_where_the_table_does():
    every = Assistance(score="oracle", pool=3, warm=3)
    course = found("evolution", every, budget=1e6, world=table(ARCHS[-3:]))
    assert course.trainings == 3


def test_what_the_table_does_not_hold_costs_nothing():
    course = found("random")
    assert course.cost > 20.0 - TABLE.training.max()  # two of three draws are not in the table
    assert set(course.best) <= set(TABLE.accuracy)
