"""Ageing evolution against the algorithm written out."""

from collections import Counter

import pytest
from optuna.trial import TrialState
from tests.search.samplers.problems import bits, study_of

from gradalign.search.samplers.evolution import POPULATION, TOURNAMENT


class Watched:
    """Moves that keep who became a parent, and change nothing."""

    def __init__(self):
        self.parents = []

    def mutate(self, trial, rng):
        self.parents.append(trial.number)
        return dict(trial.params)

    def neighbours(self, trial):
        raise AssertionError("evolution asks for no neighbourhood")


def with_values(values, moves, **options):
    study = study_of("evolution", moves=moves, **options)
    for value in values:
        trial = study.ask()
        bits(trial)
        study.tell(trial, value)
    return study


def parents(study, moves, proposals=300):
    """Who becomes a parent in many proposals of one and the same study."""
    moves.parents.clear()
    for _ in range(proposals):
        bits(study.ask())  # stays running
    return Counter(moves.parents)


def test_nothing_is_mutated_before_the_population_is_whole():
    moves = Watched()
    study = with_values([1.0] * (POPULATION - 1), moves)
    assert parents(study, moves, 5) == {}


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_best_of_a_tournament_is_the_parent(direction):
    moves = Watched()
    sign = 1 if direction == "maximize" else -1
    values = [float(sign * k) for k in range(POPULATION)]
    study = with_values(values, moves, direction=direction)
    found = parents(study, moves, 2000)
    # the best is in a tournament with probability 1 - (1 - 1/P)^S, and then it wins
    expected = 1 - (1 - 1 / POPULATION) ** TOURNAMENT
    assert abs(found[POPULATION - 1] / 2000 - expected) < 0.04
    assert found[POPULATION - 1] > found[POPULATION - 2] > found[POPULATION - 3]


def test_the_oldest_die_however_good_they_are():
    moves = Watched()
    study = with_values([100.0] + [float(k % 3) for k in range(POPULATION)], moves)
    assert 0 not in parents(study, moves)


def test_equals_are_won_by_the_youngest():
    moves = Watched()
    study = with_values([1.0] * POPULATION, moves)
    found = parents(study, moves, 1000)
    assert found.most_common(1)[0][0] == POPULATION - 1


def test_with_several_objectives_the_fewest_beaten_win():
    moves = Watched()
    front = [[float(k), float(-k)] for k in range(5)]  # none beats another
    beaten = [[0.0, -9.0 - k] for k in range(POPULATION - 5)]  # each beaten by all before it
    study = with_values(front + beaten, moves, directions=["maximize", "maximize"])
    found = parents(study, moves, 1000)
    assert sum(found[k] for k in range(5)) > 900
    assert found[POPULATION - 1] == 0 or found[POPULATION - 1] < 5


def test_infeasible_and_broken_trials_are_not_of_the_population():
    moves = Watched()
    study = with_values([float(k) for k in range(POPULATION)], moves)
    for state in (TrialState.PRUNED, TrialState.FAIL) * 5:
        trial = study.ask()
        bits(trial)
        study.tell(trial, state=state)
    assert set(parents(study, moves)) <= set(range(POPULATION))
