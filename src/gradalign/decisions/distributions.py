"""Values of Optuna's distributions: draws, other values, and near ones."""

from __future__ import annotations

import math
import random
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

NEAR = (-1 / 4, -1 / 16, 1 / 16, 1 / 4)
"""How far off the near values of a number are, as shares of its range."""

PARTS = 8
"""Parts of equal width, on the logarithmic scale if there is one, that a range is divided into."""

TRIES = 100
"""Draws after which a range counts as one value: at most one float in so many draws repeats."""

Numeric = IntDistribution | FloatDistribution


def draw(distribution: BaseDistribution, rng: random.Random) -> Any:
    """A value drawn uniformly; of a logarithmic range, uniformly on that scale."""
    if isinstance(distribution, CategoricalDistribution):
        return rng.choice(distribution.choices)
    return _at(_numeric(distribution), rng.random())


def another(distribution: BaseDistribution, value: Any, rng: random.Random) -> Any:
    """A value other than `value`, drawn as `draw` does; `value` itself where it is the only one."""
    if isinstance(distribution, CategoricalDistribution):
        return rng.choice(_others(distribution, value) or [value])
    if distribution.single():
        return value
    draws = (draw(distribution, rng) for _ in range(TRIES))
    return next((other for other in draws if other != value), value)


def near(distribution: BaseDistribution, value: Any) -> list[Any]:
    """The neighbours of a value, always in one order, without itself.

    Categorical: all other choices. Numbers: those a quarter and a sixteenth of the range below and
    above, on the logarithmic scale if the distribution has it; of a stepped range the next value
    where that is nearer than one step. Values between them are left to other starts.
    """
    if isinstance(distribution, CategoricalDistribution):
        return _others(distribution, value)
    numeric = _numeric(distribution)
    if numeric.single():
        return []
    found = [_moved(numeric, value, share) for share in NEAR]
    return [other for other in dict.fromkeys(found) if other != value]


def parts(distribution: BaseDistribution) -> int:
    """In how many parts a range falls: one a value, at most `PARTS` where they are numbers."""
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    numeric = _numeric(distribution)
    if numeric.step is None:
        return PARTS
    return min(PARTS, 1 + round((numeric.high - numeric.low) / numeric.step))


def part(distribution: BaseDistribution, value: Any) -> int:
    """The part that a value lies in, counted from 0."""
    if isinstance(distribution, CategoricalDistribution):
        return int(distribution.to_internal_repr(value))
    numeric, count = _numeric(distribution), parts(distribution)
    return 0 if numeric.single() else min(int(_share(numeric, value) * count), count - 1)


def draw_part(distribution: BaseDistribution, number: int, rng: random.Random) -> Any:
    """A value drawn uniformly from the part of that number."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[number]
    return _at(_numeric(distribution), (number + rng.random()) / parts(distribution))


def fits(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a value is one of the distribution's."""
    if isinstance(distribution, CategoricalDistribution):
        return any(_same(choice, value) for choice in distribution.choices)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and distribution._contains(float(value))


def _others(distribution: CategoricalDistribution, value: Any) -> list[Any]:
    return [choice for choice in distribution.choices if not _same(choice, value)]


def _same(first: Any, second: Any) -> bool:
    """Whether two choices are one; 1, 1.0 and True are three."""
    return type(first) is type(second) and bool(first == second)


def _moved(distribution: Numeric, value: float, share: float) -> float:
    """The value so far off, at least one step, and inside the range."""
    other = _at(distribution, min(max(_share(distribution, value) + share, 0.0), 1.0))
    step = distribution.step
    if other == value and step is not None:
        other = type(value)(value + math.copysign(step, share))
    return other if distribution.low <= other <= distribution.high else value


def _at(distribution: Numeric, share: float) -> float:
    """The value at a share of the range, from 0 to 1: what `_share` maps to it or nearest to it."""
    low, high = _ends(distribution)
    value = low + share * (high - low)
    if distribution.log:
        value = math.exp(value)
    if distribution.step is not None:
        value = distribution.low + round((value - distribution.low) / distribution.step) * (
            distribution.step
        )
    value = min(max(value, distribution.low), distribution.high)
    return int(value) if isinstance(distribution, IntDistribution) else float(value)


def _share(distribution: Numeric, value: float) -> float:
    """Where in the range a value lies, from 0 to 1."""
    low, high = _ends(distribution)
    return ((math.log(value) if distribution.log else value) - low) / (high - low)


def _ends(distribution: Numeric) -> tuple[float, float]:
    """The ends of the range, half a step wider so that every stepped value is as likely."""
    margin = (distribution.step or 0) / 2
    low, high = distribution.low - margin, distribution.high + margin
    return (math.log(low), math.log(high)) if distribution.log else (low, high)


def _numeric(distribution: BaseDistribution) -> Numeric:
    if isinstance(distribution, (IntDistribution, FloatDistribution)):
        return distribution
    raise TypeError(f"{type(distribution).__name__} is no distribution of Optuna's")
