"""Strategies: a sampler, alone or assisted by a score that costs no training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Assistance:
    """What a score does for a sampler.

    The search begins with the trainings of the `warm` best by score of a random pool. Then, where
    the sampler allows it, each proposal is the best by score of `choices`: of mutants of the parent
    that the tournament has chosen (evolution), of independent draws (random). Of the choices those
    count that the table holds and that have not been trained yet. Reinforce and TPE, which have a
    model of their own of what is good, are warmed up only. Every network that is scored is paid
    for, once.

    Args:
        score: Name of the score.
        pool: Networks drawn at random, without replacement, and scored at the start.
        warm: Of them, those that are trained first, best first.
        choices: Networks of which a proposal is the best.
    """

    score: str
    pool: int = 500
    warm: int = 10
    choices: int = 10


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A way to search.

    Args:
        sampler: Name of the sampler.
        assistance: What a score does for it; None: nothing.
    """

    sampler: str
    assistance: Assistance | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        if self.assistance is None:
            return self.sampler
        return f"{self.sampler} + {self.assistance.score}"
