"""One simulated search: the samplers themselves, with trainings looked up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gradalign.search.moves import Decisions, Moves, SpaceMoves
from gradalign.search.samplers import SAMPLERS, Setting
from gradalign.search.simulation.course import Course
from gradalign.search.simulation.strategy import Assistance, Strategy
from gradalign.search.simulation.table import Table
from gradalign.spaces._given import GivenTrial

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

PATIENCE = 500
"""Proposals in a row without a network to train, after which a search ends."""


class Purse:
    """What a search has spent and got.

    Args:
        table: Where trainings are looked up.
        budget: What it may spend.
    """

    def __init__(self, table: Table, budget: float) -> None:
        self.table = table
        self.budget = budget
        self.spent = 0.0
        self.trained: dict[int, None] = {}
        self._scored: set[int] = set()
        self.course = Course()

    def train(self, row: int) -> bool:
        """Whether a network is trained, or has been: its training is paid for if it is new.

        One that the budget does not reach for ends the search.
        """
        if row in self.trained:
            return True
        cost = float(self.table.training[row])
        if self.spent + cost > self.budget:
            return False
        self.spent += cost
        self.trained[row] = None
        self.course.add(self.spent, float(self.table.accuracy[row]))
        return True

    def ranked(self, rows: Sequence[int], score: str) -> list[int]:
        """The networks by a score, best first; those without one last. New ones are paid for."""
        for row in rows:
            if row not in self._scored:
                self._scored.add(row)
                self.spent += float(self.table.scoring[row])
        values = np.nan_to_num(self.table.scores[score], nan=-np.inf)
        return sorted(rows, key=lambda row: -float(values[row]))


class AssistedMoves:
    """Of some mutants the best by score.

    Args:
        moves: The neighbourhood.
        purse: What pays for the scores.
        assistance: Which score, and of how many.
    """

    def __init__(self, moves: Moves, purse: Purse, assistance: Assistance) -> None:
        self._moves = moves
        self._purse = purse
        self._assistance = assistance

    def mutate(self, trial: FrozenTrial, rng: random.Random) -> Decisions:
        """The best of those that the table holds and that are new; if there is none, the last."""
        mutants = [self._moves.mutate(trial, rng) for _ in range(self._assistance.choices)]
        return _best(mutants, self._purse, self._assistance) or mutants[-1]

    def neighbours(self, trial: FrozenTrial) -> list[Decisions]:
        """Every neighbour."""
        return self._moves.neighbours(trial)


def simulate(table: Table, strategy: Strategy, *, budget: float, seed: int) -> Course:
    """Search until the next training would cost more than is left of the budget.

    A network that the table does not hold is an infeasible proposal and costs nothing, nor does one
    that has been trained before.

    Args:
        table: The networks.
        strategy: How proposals are made.
        budget: In average trainings, scores included.
        seed: Of all that is random.
    """
    from optuna.trial import TrialState

    purse = Purse(table, budget)
    rng = random.Random(f"simulation:{seed}")
    study = _study(strategy, purse, seed)
    if strategy.assistance is not None:
        _warm_up(study, purse, strategy.assistance, rng)
    barren = 0
    while barren < PATIENCE and len(purse.trained) < len(table.archs):
        if strategy.assistance is not None and strategy.sampler == "random":
            _enqueue_best_draw(study, purse, strategy.assistance, rng)
        trial = study.ask()
        row = table.row(table.space.suggest(trial))
        known = len(purse.trained)
        if row is None:
            trial.set_constraint("outside of the table", 1.0)
            study.tell(trial, state=TrialState.PRUNED)
        elif purse.train(row):
            study.tell(trial, float(table.accuracy[row]))
        else:
            break
        barren = 0 if len(purse.trained) > known else barren + 1
    return purse.course


def _study(strategy: Strategy, purse: Purse, seed: int) -> Study:
    from optuna.study import StudyDirection

    from gradalign.decisions.in_memory import study_in_memory  # here: it imports Optuna

    moves: Moves = SpaceMoves(purse.table.space)
    if strategy.assistance is not None:
        moves = AssistedMoves(moves, purse, strategy.assistance)
    sampler = SAMPLERS[strategy.sampler].make(Setting(seed=seed, moves=moves))
    return study_in_memory([StudyDirection.MAXIMIZE], sampler)


def _warm_up(study: Study, purse: Purse, assistance: Assistance, rng: random.Random) -> None:
    """Have the best of a random pool proposed first."""
    table = purse.table
    pool = rng.sample(range(len(table.archs)), min(assistance.pool, len(table.archs)))
    for row in purse.ranked(pool, assistance.score)[: assistance.warm]:
        study.enqueue_trial(table.space.decisions(table.parsed[row]))


def _enqueue_best_draw(
    study: Study, purse: Purse, assistance: Assistance, rng: random.Random
) -> None:
    from optuna.trial import TrialState

    if study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        return  # of the warm start
    space = purse.table.space
    draws = [space.decisions(space.sample(rng)) for _ in range(assistance.choices)]
    study.enqueue_trial(_best(draws, purse, assistance) or draws[-1])


def _best(decisions: Sequence[Decisions], purse: Purse, assistance: Assistance) -> Decisions | None:
    """The best by score of what the table holds and has not been trained; None: there is none."""
    by_row = {_row(each, purse.table): each for each in decisions}
    new = [row for row in by_row if row is not None and row not in purse.trained]
    return by_row[purse.ranked(new, assistance.score)[0]] if new else None


def _row(decisions: Decisions, table: Table) -> int | None:
    return table.row(table.space.suggest(GivenTrial(decisions)))
