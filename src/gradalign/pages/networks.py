"""The networks of a frame of records, by the space they are of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from gradalign.aggregates import AGGREGATES, Aggregate
from gradalign.record import pool_values
from gradalign.spaces import SPACES

OTHERS = "no search space"
"""Name of what is of no registered space."""


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Networks that can be compared with each other, and what was measured of them.

    Args:
        space: The search space they are of; None: of no registered one.
        records: One row a record, columns as the fields of `Score`.
    """

    space: str | None
    records: pd.DataFrame

    @property
    def name(self) -> str:
        """What they are, in a few words."""
        return self.space or OTHERS

    @cached_property
    def models(self) -> tuple[str, ...]:
        """All of them, with or without a value, in the order of the records."""
        return tuple(dict.fromkeys(self.records["model"]))

    @cached_property
    def proxies(self) -> tuple[str, ...]:
        """All scores that were tried, in the order of the records."""
        return tuple(dict.fromkeys(self.records["proxy"]))

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The registered aggregates of scores that are all here."""
        return tuple(each for each in AGGREGATES.values() if set(each.members) <= set(self.proxies))

    @cached_property
    def values(self) -> pd.DataFrame:
        """[models, scores]: means over the seeds with a value, NaN without one; aggregates too."""
        ok = valued(self.records)
        table = self.records[ok].pivot_table(
            index="model", columns="proxy", values="value", aggfunc="mean"
        )
        table = table.reindex(index=list(self.models), columns=list(self.proxies))
        known = {name: _with_gaps(table[name]) for name in table.columns}
        for aggregate in self.aggregates:
            table[aggregate.name] = np.array(pool_values(aggregate, known), dtype=np.float64)
        return table

    def drawn(self, limit: int) -> tuple[str, ...]:
        """All networks, or `limit` of them drawn at random with a fixed seed, in their order."""
        if len(self.models) <= limit:
            return self.models
        places = random.Random(0).sample(range(len(self.models)), limit)
        return tuple(self.models[place] for place in sorted(places))


def by_space(records: pd.DataFrame) -> list[Networks]:
    """The networks of each space, the largest number first."""
    spaces = _spaces(records["model"])
    parts = [
        Networks(space=space or None, records=own)
        for space, own in records.groupby(pd.Series(spaces, index=records.index), sort=False)
    ]
    return sorted(parts, key=lambda part: -len(part.models))


def valued(records: pd.DataFrame) -> pd.Series[bool]:
    """Whether each record has a value."""
    return (records["status"] == "ok") & np.isfinite(records["value"].astype("float64"))


def _spaces(models: Iterable[str]) -> Sequence[str]:
    """The registered space of each model, empty where it has none."""
    prefixes = (model.partition(":")[0] for model in models)
    return [prefix if prefix in SPACES else "" for prefix in prefixes]


def _with_gaps(values: pd.Series[float]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
