import random

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import create_trial

from gradalign.search.moves import DecisionMoves, SpaceMoves
from gradalign.spaces import SPACES, get_space

TRIAL = create_trial(
    value=0.0,
    params={"kind": "conv", "depth": 2, "rate": 0.5, "fixed": 1},
    distributions={
        "kind": CategoricalDistribution(["conv", "pool"]),
        "depth": IntDistribution(1, 4),
        "rate": FloatDistribution(0.0, 1.0),
        "fixed": IntDistribution(1, 1),
    },
)


def suggested(space, arch):
    decisions = space.decisions(arch)
    distributions = {name: CategoricalDistribution([value]) for name, value in decisions.items()}
    return create_trial(value=0.0, params=decisions, distributions=distributions)


@pytest.mark.parametrize("name", sorted(SPACES))
def test_a_space_moves_as_it_says_itself(name):
    space = get_space(name)
    arch = space.sample(random.Random(2))
    trial, moves = suggested(space, arch), SpaceMoves(space)
    mutant = moves.mutate(trial, random.Random(4))
    start = space.suggest(Answers(trial.params))
    assert mutant == space.decisions(space.mutate(start, random.Random(4)))
    near = moves.neighbours(trial)
    assert near == [space.decisions(other) for other in space.neighbours(start)]
    assert mutant in near


class Answers:
    def __init__(self, params):
        self.params = params

    def suggest_categorical(self, name, choices):
        return self.params[name]

    def suggest_int(self, name, low, high):
        return self.params[name]


def test_one_decision_changes():
    found = [DecisionMoves().mutate(TRIAL, random.Random(seed)) for seed in range(200)]
    for decisions in found:
        assert sum(decisions[name] != value for name, value in TRIAL.params.items()) == 1
    changed = [next(n for n in TRIAL.params if each[n] != TRIAL.params[n]) for each in found]
    assert set(changed) == {"kind", "depth", "rate"}
    assert min(map(changed.count, set(changed))) > 40


def test_neighbours_of_decisions():
    found = DecisionMoves().neighbours(TRIAL)
    changes = [
        (name, each[name]) for each in found for name in each if each[name] != TRIAL.params[name]
    ]
    assert changes == [
        ("kind", "pool"),
        ("depth", 1),
        ("depth", 3),
        ("rate", 0.25),
        ("rate", 0.4375),
        ("rate", 0.5625),
        ("rate", 0.75),
    ]


def test_nothing_to_decide_is_its_own_mutant():
    alone = create_trial(
        value=0.0, params={"only": 1}, distributions={"only": CategoricalDistribution([1])}
    )
    assert DecisionMoves().mutate(alone, random.Random(0)) == {"only": 1}
    assert DecisionMoves().neighbours(alone) == []
