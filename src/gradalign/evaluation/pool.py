"""The networks that scores and a table of trained accuracies have in common, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gradalign.errors import InputError
from gradalign.evaluation.truth import (
    Truth,
    Values,
    accuracies,
    known_column,
    numbers,
    spelled,
    unknown_name,
)
from gradalign.proxies._base import Direction

_REQUIRED = ("model", "proxy", "value")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One score of every network of the pool.

    Args:
        values: [n], higher is better (the sign is turned where it has to be), NaN without a value.
        recorded: [n], whether the network was scored, with or without success.
        better: Direction of the score before its sign was turned.
        seconds: Mean seconds a network, all its seeds together; None if not known.
        cost: What the value costs, in words, where seconds do not say it.
    """

    values: Values
    recorded: NDArray[np.bool_]
    better: Direction = "higher"
    seconds: float | None = None
    cost: str | None = None

    @property
    def ranking(self) -> Values:
        """[n]: the values, -inf for a failed network (last, tied), NaN for one never tried."""
        failed = self.recorded & np.isnan(self.values)
        return np.where(failed, -np.inf, self.values)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Networks in the order of their names, with their accuracy and every score.

    Args:
        benchmark: Name of the table of accuracies.
        metric: Its column.
        models: n architectures, as the table has them but without a prefix.
        accuracy: [n].
        columns: The scores by name.
        unmatched: Number of scored networks for which the table has no accuracy.
    """

    benchmark: str
    metric: str
    models: tuple[str, ...]
    accuracy: Values
    columns: Mapping[str, Column]
    unmatched: int

    def column(self, name: str) -> Column:
        """The score `name`, or an `UnknownNameError` that offers the nearest."""
        if name not in self.columns:
            raise unknown_name("proxy in the scores", name, self.columns)
        return self.columns[name]


def make_pool(
    scores: pd.DataFrame,
    truth: pd.DataFrame | Truth,
    metric: str,
    *,
    name: str | None = None,
    directions: Mapping[str, Direction] | None = None,
    early_stopped: Mapping[str, tuple[str, str]] | None = None,
) -> Pool:
    """Match scores with a table of accuracies by the text of the architecture.

    Args:
        scores: One row a record: `model`, `proxy`, `value`, and where known `status`, `seconds`,
            `seed`, `protocol`. A record without a finite value, or with a status other than `ok`,
            has failed. The value of a network is the mean over its seeds, those that failed left
            out; it has failed if all of them have.
        truth: A benchmark, or a frame with the column `arch` and metric columns.
        metric: Column of accuracies to compare with; networks without one are left out.
        name: Name of the table, by default the benchmark's.
        directions: Which direction is better for a proxy; `higher` for those not named.
        early_stopped: Further columns of the table to take as scores: {name: (column, cost)}.

    Raises:
        InputError: If a column is missing, the metric is unknown, fewer than 3 networks are in
            both, or records of one network and proxy were made under several protocols.
    """
    records = _records(scores, truth)
    label, accuracy, frame = accuracies(truth, metric, name)
    scored = sorted(set(records["model"]))
    models = [model for model in scored if model in accuracy.index]
    if accuracy.empty:
        raise InputError(f"{label!r} holds no value of {metric!r}: choose another metric")
    if not models:
        example = f"the scores hold {scored[0]!r}, the table {next(iter(frame.index), None)!r}"
        raise InputError(
            f"no scored network has a {metric!r} in {label!r}: {example}; spell both alike"
        )
    if len(models) < 3:
        raise InputError(
            f"only {len(models)} of {len(scored)} scored networks are in {label!r}: score 3 or more"
        )
    columns = _proxy_columns(records, models, directions or {})
    for row, (column, cost) in (early_stopped or {}).items():
        if row in columns:
            raise InputError(f"early-stopped training is named {row!r} like a proxy: rename it")
        values = numbers(known_column(frame, column).loc[models])
        columns[row] = Column(values=values, recorded=np.ones(len(models), dtype=bool), cost=cost)
    return Pool(
        benchmark=label,
        metric=metric,
        models=tuple(models),
        accuracy=numbers(accuracy.loc[models]),
        columns=columns,
        unmatched=len(scored) - len(models),
    )


def _records(scores: pd.DataFrame, truth: pd.DataFrame | Truth) -> pd.DataFrame:
    """Models as the table spells them, proxies, values (NaN where failed), seconds."""
    missing = [column for column in _REQUIRED if column not in scores.columns]
    if missing:
        raise InputError(
            f"the scores lack the column {missing[0]!r}: "
            f"needed are {', '.join(_REQUIRED)}, found {', '.join(map(str, scores.columns))}"
        )
    if scores.empty:
        raise InputError("the scores hold no record: score some networks first")
    models = spelled([str(model) for model in scores["model"]], truth)
    values = numbers(scores["value"])
    ok = np.isfinite(values)
    if "status" in scores.columns:
        ok &= (scores["status"] == "ok").to_numpy(dtype=bool)
    seconds = numbers(scores["seconds"]) if "seconds" in scores.columns else np.nan
    records = pd.DataFrame(
        {
            "model": models,
            "proxy": scores["proxy"].astype(str).to_numpy(),
            "value": np.where(ok, values, np.nan),
            "seconds": seconds,
        }
    )
    if "protocol" in scores.columns:
        _check_protocols(records.assign(protocol=scores["protocol"].to_numpy()))
    return records


def _check_protocols(records: pd.DataFrame) -> None:
    """Refuse to average what was measured under different conditions."""
    counts = records.groupby(["proxy", "model"])["protocol"].nunique()
    if (counts > 1).any():
        proxy = counts.index[int(counts.to_numpy().argmax())][0]
        raise InputError(
            f"the records of {proxy!r} mix {int(counts.max())} protocols for one network: "
            "keep the records of one protocol"
        )


def _proxy_columns(
    records: pd.DataFrame, models: list[str], directions: Mapping[str, Direction]
) -> dict[str, Column]:
    """The scores of `models`, one column a proxy."""
    columns: dict[str, Column] = {}
    for proxy, own in records.groupby("proxy"):
        networks = own.groupby("model")
        better = directions.get(str(proxy), "higher")
        values = numbers(networks["value"].mean().reindex(models))
        seconds = networks["seconds"].sum(min_count=1).reindex(models).mean()
        columns[str(proxy)] = Column(
            values=values if better == "higher" else -values,
            recorded=pd.Index(models).isin(own["model"]),
            better=better,
            seconds=None if np.isnan(seconds) else float(seconds),
        )
    return columns
