"""What an aggregate is: a rule that combines the ranks of several proxies over a pool of networks.

An aggregate has a value only within the pool at hand: it is computed where the pool is known, and
never stored as a score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from gradalign._registry import Registry
from gradalign.proxies._base import Direction

Ranks = NDArray[np.float64]
Rule = Callable[[Ranks], Ranks]
"""Ranks of the members, [members, N], to one value a network, [N]; higher is better."""


def rank_sum_log(ranks: Ranks) -> Ranks:
    """Sum over members of log(rank / N): 0 for a network that every member ranks best."""
    combined: Ranks = np.log(ranks / ranks.shape[1]).sum(axis=0)
    return combined


def pool_ranks(values: Sequence[float | None], better: Direction) -> Ranks:
    """Ranks of a pool by one proxy: 1 is the worst, N the best, ties share their mean rank.

    Args:
        values: One value a network; None, or a number that is not finite, where it failed.
        better: Which direction is better.

    Returns:
        Ranks, shape [N]. The k failed networks come last and share the rank (k + 1) / 2.
    """
    numbers = np.array(values, dtype=np.float64)  # None becomes NaN
    keys = np.where(np.isfinite(numbers), numbers if better == "higher" else -numbers, -np.inf)
    ranks: Ranks = rankdata(keys, method="average").astype(np.float64)
    return ranks


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """A combination of proxies by their ranks.

    Args:
        name: How it is asked for.
        members: Names of the proxies, each once.
        rule: From the members' ranks to the value.
        source: Where it comes from.
        summary: What it is, in a line.
    """

    name: str
    members: tuple[str, ...]
    rule: Rule = rank_sum_log
    source: str = "named by the user"
    summary: str = "sum over members of log(rank / N)"

    def aggregate(
        self, values: Mapping[str, Sequence[float | None]], better: Mapping[str, Direction]
    ) -> list[float]:
        """The value of every network of a pool; higher is better.

        Args:
            values: For each member, one value a network, in the same order; None where it failed.
                Other proxies are ignored.
            better: For each member, which direction is better.

        Returns:
            One value a network, in the order of `values`.

        Raises:
            ValueError: If the members' values differ in number.
        """
        ranks = [pool_ranks(values[member], better[member]) for member in self.members]
        if len({len(row) for row in ranks}) > 1:
            raise ValueError(f"the members of {self.name!r} have values for different pools")
        combined: list[float] = self.rule(np.stack(ranks)).tolist()
        return combined

    def pool_values(
        self, values: Mapping[str, Sequence[float | None]], better: Mapping[str, Direction]
    ) -> list[float | None]:
        """As `aggregate`, but None for a network that failed in every member: it has failed."""
        combined = self.aggregate(values, better)
        members = np.array([values[member] for member in self.members], dtype=np.float64)
        failed: NDArray[np.bool_] = np.all(~np.isfinite(members), axis=0)
        return [None if gone else value for gone, value in zip(failed, combined, strict=True)]


AGGREGATES: Registry[Aggregate] = Registry("aggregate", "gradalign.aggregates")


def register(aggregate: Aggregate) -> Aggregate:
    """Register an aggregate under its name, and return it."""
    AGGREGATES.add(aggregate.name, aggregate)
    return aggregate
