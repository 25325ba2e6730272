"""Scores of the networks of a pool: one column a proxy or aggregate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gradalign.aggregates import Aggregate
from gradalign.errors import InputError
from gradalign.evaluation.records import Records
from gradalign.evaluation.truth import Values
from gradalign.proxies._base import Direction

Places = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One score of every network of the pool.

    Args:
        values: [n], higher is better (the sign is turned where it has to be), NaN without a value.
        recorded: [n], whether the network was scored, with or without success.
        better: Direction of the score before its sign was turned.
        seconds: Mean seconds a network, passes included, all its seeds together; None if not known.
        cost: What the value costs, in words, where seconds do not say it.
        by_seed: For each seed, [n] as `ranking`.
    """

    values: Values
    recorded: NDArray[np.bool_]
    better: Direction = "higher"
    seconds: float | None = None
    cost: str | None = None
    by_seed: Mapping[int, Values] = field(default_factory=dict)

    @property
    def ranking(self) -> Values:
        """[n]: the values, -inf for a failed network (last, tied), NaN for one never tried."""
        return _ranking(self.values, self.recorded)


def proxy_columns(
    records: Records,
    places: Places,
    directions: Mapping[str, Direction],
    aggregates: Sequence[Aggregate],
) -> dict[str, Column]:
    """The scores of the networks of a pool: one column a proxy, by name, then one an aggregate.

    Args:
        records: The records.
        places: Of each of their models the place in the pool, -1 if it is not in it.
        directions: Which direction is better for a proxy; `higher` for those not named.
        aggregates: Combinations of proxies in the records.

    Raises:
        InputError: If a member of an aggregate is missing, or its name is that of a proxy.
    """
    n = int(places.max()) + 1
    frame = records.frame.assign(place=places[records.frame["model"]])
    frame = frame[frame["place"] >= 0]
    order = np.lexsort([frame[key] for key in ("value", "seed", "place", "proxy")])
    frame = frame.take(order)
    ends = np.cumsum(np.bincount(frame["proxy"], minlength=len(records.proxies)))
    own = {
        str(name): frame.iloc[start:end]
        for name, start, end in zip(records.proxies, [0, *ends], ends, strict=False)
        if start < end
    }
    columns = {
        name: _proxy_column(part, n, directions.get(name, "higher")) for name, part in own.items()
    }
    for aggregate in aggregates:
        if aggregate.name in columns:
            raise InputError(f"the aggregate {aggregate.name!r} is named like a score: rename it")
        columns[aggregate.name] = _aggregate_column(aggregate, columns, own)
    return columns


def _proxy_column(own: pd.DataFrame, n: int, better: Direction) -> Column:
    """The column of one proxy from its records."""
    place, seed = own["place"].to_numpy(), own["seed"].to_numpy()
    value = own["value"].to_numpy()
    if better == "lower":
        value = -value
    values, recorded = _mean(place, value, n)
    by_seed = {
        int(one): _ranking(*_mean(place[seed == one], value[seed == one], n))
        for one in np.unique(seed)
    }
    cost = own["seconds"].to_numpy() + np.nan_to_num(own["pass_seconds"].to_numpy())
    return Column(
        values=values,
        recorded=recorded,
        better=better,
        seconds=_seconds_a_network(place, cost, n),
        by_seed=by_seed,
    )


def _aggregate_column(
    aggregate: Aggregate,
    columns: Mapping[str, Column],
    own: Mapping[str, pd.DataFrame],
) -> Column:
    """The column of an aggregate, over the networks that were tried with all its members."""
    for member in aggregate.members:
        if member not in own:
            raise InputError(
                f"the aggregate {aggregate.name!r} needs {member!r}, which is not in the scores: "
                "score it too, or leave the aggregate out"
            )
    members = {member: columns[member] for member in aggregate.members}
    values, recorded = _combined(aggregate, {name: c.ranking for name, c in members.items()})
    seeds = set.intersection(*(set(column.by_seed) for column in members.values()))
    by_seed = {
        seed: _ranking(
            *_combined(aggregate, {name: c.by_seed[seed] for name, c in members.items()})
        )
        for seed in sorted(seeds)
    }
    return Column(
        values=values,
        recorded=recorded,
        seconds=_aggregate_seconds([own[member] for member in aggregate.members], recorded),
        by_seed=by_seed,
    )


def _combined(
    aggregate: Aggregate, rankings: Mapping[str, Values]
) -> tuple[Values, NDArray[np.bool_]]:
    """Values of an aggregate, NaN where it has none, and which networks all members tried."""
    tried: NDArray[np.bool_] = np.all(~np.isnan(list(rankings.values())), axis=0)
    values = np.full(len(tried), np.nan)
    if tried.any():
        pool = {name: ranking[tried].tolist() for name, ranking in rankings.items()}
        # higher is better in all of them by now
        found = aggregate.pool_values(pool, dict.fromkeys(pool, "higher"))
        values[tried] = np.array(found, dtype=np.float64)
    return values, tried


def _aggregate_seconds(members: Sequence[pd.DataFrame], tried: NDArray[np.bool_]) -> float | None:
    """Mean seconds a network; a pass (network, seed, protocol) that members share counts once."""
    records = pd.concat(members)
    records = records[tried[records["place"]]]
    passes = records[["place", "seed", "protocol", "pass_seconds"]].sort_values("pass_seconds")
    passes = passes.drop_duplicates(["place", "seed", "protocol"])
    own = _seconds_a_network(records["place"].to_numpy(), records["seconds"].to_numpy(), len(tried))
    if own is None:
        return None
    shared = np.nansum(passes["pass_seconds"].to_numpy()) / passes["place"].nunique()
    return own + float(shared)


def _mean(place: Places, value: Values, n: int) -> tuple[Values, NDArray[np.bool_]]:
    """Mean of each network's values, NaN where all failed, and which networks there are."""
    recorded = np.zeros(n, dtype=bool)
    recorded[place] = True
    ok = ~np.isnan(value)
    counts = np.bincount(place[ok], minlength=n)
    sums = np.bincount(place[ok], weights=value[ok], minlength=n)
    values = np.divide(sums, counts, out=np.full(n, np.nan), where=counts > 0)
    return values, recorded


def _ranking(values: Values, recorded: NDArray[np.bool_]) -> Values:
    return np.where(recorded & np.isnan(values), -np.inf, values)


def _seconds_a_network(place: Places, seconds: Values, n: int) -> float | None:
    """Mean over networks of the sum of their seconds, those without any left out."""
    known = ~np.isnan(seconds)
    networks = np.count_nonzero(np.bincount(place[known], minlength=n))
    return float(seconds[known].sum() / networks) if networks else None
