"""Neighbourhoods of architectures, in terms of the decisions that Optuna's trials hold."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Protocol

from gradalign.spaces import Space
from gradalign.spaces._given import GivenTrial

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

Decisions = dict[str, Any]
"""Suggestions by name, as a trial's `params`."""


class Moves(Protocol):
    """What a sampler knows of a neighbourhood."""

    def mutate(self, trial: FrozenTrial, rng: random.Random) -> Decisions:
        """The decisions of a neighbour drawn at random; the trial's own where it has none."""

    def neighbours(self, trial: FrozenTrial) -> list[Decisions]:
        """The decisions of every neighbour, always in one order."""


class SpaceMoves:
    """The neighbourhood that a search space has.

    Args:
        space: The space, whose suggestions the trials hold.
    """

    def __init__(self, space: Space[Any]) -> None:
        self._space = space

    def mutate(self, trial: FrozenTrial, rng: random.Random) -> Decisions:
        """Those of a mutant."""
        if self._space.size == 1:
            return dict(trial.params)
        return self._space.decisions(self._space.mutate(self._arch(trial), rng))

    def neighbours(self, trial: FrozenTrial) -> list[Decisions]:
        """Those of every neighbour."""
        return [self._space.decisions(arch) for arch in self._space.neighbours(self._arch(trial))]

    def _arch(self, trial: FrozenTrial) -> Any:
        return self._space.suggest(GivenTrial(trial.params))


class DecisionMoves:
    """The neighbourhood of decisions of which nothing is known: one of them is another.

    Decisions that the change uncovers are not said, and are left to the sampler to draw; those that
    it hides are never asked for.
    """

    def mutate(self, trial: FrozenTrial, rng: random.Random) -> Decisions:
        """One decision, drawn among those with a choice, drawn again from its distribution."""
        from gradalign.decisions.distributions import another  # here: it imports Optuna

        open_ones = [name for name, each in trial.distributions.items() if not each.single()]
        if not open_ones:
            return dict(trial.params)
        name = rng.choice(open_ones)
        value = another(trial.distributions[name], trial.params[name], rng)
        return {**trial.params, name: value}

    def neighbours(self, trial: FrozenTrial) -> list[Decisions]:
        """One decision changed to a near value, as `distributions.near` has them."""
        from gradalign.decisions.distributions import near

        return [
            {**trial.params, name: value}
            for name, distribution in trial.distributions.items()
            for value in near(distribution, trial.params[name])
        ]
