"""What a search wants much or little of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradalign.aggregates import AGGREGATES, Aggregate, parse_combination
from gradalign.errors import InputError
from gradalign.proxies import PROXIES
from gradalign.proxies._base import Direction
from gradalign.record import pool_values

COSTS = ("params", "macs", "flops", "latency", "inference_memory", "training_memory")
"""What a network takes: as an objective each is wanted low, though as a score size may be wanted
high."""

DEFAULT = "gradalign_plus"
"""The objective where none is named."""

Values = Mapping[str, float | None]
"""Scores and costs of one network by name; None where it has failed."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A proxy, a cost, or an aggregate of proxies by their ranks.

    Args:
        name: How it is asked for.
        better: Which direction is better.
        measured: Names of the proxies that it takes.
        aggregate: The rule; None: the proxy's value itself.
    """

    name: str
    better: Direction
    measured: tuple[str, ...]
    aggregate: Aggregate | None = None

    @classmethod
    def parse(cls, text: str) -> Objective:
        """The objective of that name; `name=a+b` is the rank sum of two scores.

        Raises:
            InputError: No such score.
        """
        text = text.strip()
        if "=" in text or text in AGGREGATES:
            rule = parse_combination(text) if "=" in text else AGGREGATES[text]
            return cls(name=rule.name, better="higher", measured=rule.members, aggregate=rule)
        proxy = PROXIES[text]
        better: Direction = "lower" if text in COSTS else proxy.better
        return cls(name=text, better=better, measured=(text,))

    def values(self, pool: Sequence[Values]) -> list[float | None]:
        """The value of each network of a pool; None where it has failed.

        That of an aggregate is its value among the networks of this pool: it moves as the pool
        grows.

        Args:
            pool: What is measured of each network.
        """
        if self.aggregate is None:
            return [own.get(self.name) for own in pool]
        if not pool:
            return []
        members = {name: [own.get(name) for own in pool] for name in self.measured}
        return pool_values(self.aggregate, members)

    def value(self, pool: Sequence[Values], place: int) -> float | None:
        """The value of the network at `place` in the pool; None where it has failed."""
        if self.aggregate is None:
            return pool[place].get(self.name)
        return self.values(pool)[place]

    @property
    def moves(self) -> bool:
        """Whether the value of a network changes with the pool."""
        return self.aggregate is not None


def parse_objectives(texts: str | Iterable[str]) -> tuple[Objective, ...]:
    """The objectives of these names, or of a text with commas between them.

    Raises:
        InputError: An unknown name, none, or one that comes twice.
    """
    names = texts.split(",") if isinstance(texts, str) else list(texts)
    found = tuple(Objective.parse(name) for name in names if name.strip())
    if not found:
        raise InputError(f"no objective is named: name a score, such as {DEFAULT}")
    if len({each.name for each in found}) < len(found):
        raise InputError(f"an objective is named twice: {', '.join(each.name for each in found)}")
    return found


def front(values: NDArray[np.float64], better: Sequence[Direction]) -> NDArray[np.bool_]:
    """Which networks are on the Pareto front: none is at least as good in all and better in one.

    Args:
        values: [N, objectives].
        better: The direction of each objective.

    Returns:
        [N]; networks with equal values are on it together.
    """
    signs = np.array([1.0 if each == "higher" else -1.0 for each in better])
    oriented = values * signs
    ahead = (oriented[:, None] >= oriented[None]).all(2) & (oriented[:, None] > oriented[None]).any(
        2
    )
    kept: NDArray[np.bool_] = ~ahead.any(0)
    return kept
