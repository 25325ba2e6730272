"""Scores as they are kept and shown: one record for each model, proxy, protocol and seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import pandas as pd

from gradalign.aggregates import Aggregate
from gradalign.errors import InputError, Status, UnknownNameError
from gradalign.proxies import PROXIES

Protocols = Mapping[str, Mapping[str, object]]
"""The conditions behind each protocol hash."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one proxy says about one model, or why it says nothing.

    Args:
        model: Name of the model, as it was given.
        proxy: Name of the proxy.
        value: The score; None unless `status` is `ok`.
        stderr: Its standard error over samples, where the pass gives one.
        status: `ok`, or what went wrong.
        reason: One line about what went wrong; None where nothing did.
        seconds: The proxy's own share of the time, after the pass.
        seed: Seed of batch and initialisation.
        protocol: Hash of the conditions; only scores of one protocol can be compared.
        device: Where the pass ran.
        pass_seconds: Time of the pass, which all proxies of one protocol share.
        peak_bytes: Peak memory of the pass, where it can be measured.
        backend: How the engine took the pass; None where it took none.
        canonical: What isomorphic architectures share, where the model is one of a search space;
            they are measured once.
    """

    model: str
    proxy: str
    value: float | None
    stderr: float | None = None
    status: Status = "ok"
    reason: str | None = None
    seconds: float = 0.0
    seed: int
    protocol: str
    device: str = "cpu"
    pass_seconds: float = 0.0
    peak_bytes: int | None = None
    backend: str | None = None
    canonical: str | None = None


@dataclass(frozen=True, kw_only=True)
class AggregateValue:
    """What an aggregate makes of one model within the pool of all models scored together.

    Args:
        model: Name of the model.
        aggregate: Name of the aggregate.
        value: Higher is better; None where no member has a value.
    """

    model: str
    aggregate: str
    value: float | None


class Scores:
    """Records in the order in which models and proxies were given, with their conditions.

    Args:
        records: The records.
        protocols: The conditions behind each protocol hash in `records`.
        aggregates: Values of aggregates over these records, where they were asked for.
    """

    def __init__(
        self,
        records: Iterable[Score],
        protocols: Protocols,
        aggregates: Iterable[AggregateValue] = (),
    ) -> None:
        self.records = tuple(records)
        self.protocols = dict(protocols)
        self.aggregates = tuple(aggregates)

    @classmethod
    def joined(cls, parts: Iterable[Scores]) -> Scores:
        """The records of several models in one."""
        records: list[Score] = []
        protocols: dict[str, Mapping[str, object]] = {}
        for part in parts:
            records += part.records
            protocols |= part.protocols
        return cls(records, protocols)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, protocols: Protocols) -> Scores:
        """The records in a frame as `to_frame` makes it."""
        plain = frame.astype(object).where(frame.notna(), None)
        names = [field.name for field in fields(Score)]
        columns = (plain[name] for name in names)
        rows = zip(*columns, strict=True)
        return cls([Score(**dict(zip(names, row, strict=True))) for row in rows], protocols)

    def with_aggregates(self, aggregates: Iterable[Aggregate]) -> Scores:
        """The same records, with the values of `aggregates` over all models in them.

        Raises:
            UnknownNameError: A member was not measured.
        """
        found: list[AggregateValue] = []
        for aggregate in aggregates:
            members = {name: self._of(name) for name in aggregate.members}
            values = {name: [r.value for r in records] for name, records in members.items()}
            models = [record.model for record in self._of(aggregate.members[0])]
            found += [
                AggregateValue(model=model, aggregate=aggregate.name, value=value)
                for model, value in zip(models, pool_values(aggregate, values), strict=True)
            ]
        return Scores(self.records, self.protocols, found)

    def _of(self, proxy: str) -> list[Score]:
        """The records of `proxy`, at least one."""
        found = [record for record in self.records if record.proxy == proxy]
        if not found:
            measured = ", ".join(dict.fromkeys(record.proxy for record in self.records))
            raise UnknownNameError(f"no score {proxy!r} here: measured were {measured}")
        return found

    def __getitem__(self, proxy: str) -> Score:
        """The record of `proxy`, where the scores are those of one model.

        Raises:
            UnknownNameError: `proxy` was not measured.
            InputError: There are several records of that proxy.
        """
        found = self._of(proxy)
        if len(found) > 1:
            raise InputError(
                f"{len(found)} records of {proxy!r}: these are the scores of several models, "
                "go through `.records` or `.to_frame()`"
            )
        return found[0]

    def __iter__(self) -> Iterator[Score]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        columns = ["model", "proxy", "value", "stderr", "status", "reason"]
        return str(self.to_frame()[columns].to_string(index=False, na_rep="-"))

    def to_frame(self) -> pd.DataFrame:
        """One row a record, columns named as the fields of `Score`."""
        rows = [asdict(record) for record in self.records]
        frame = pd.DataFrame(rows, columns=[field.name for field in fields(Score)])
        return frame.astype({"value": "float64", "stderr": "float64"})

    def to_dict(self) -> dict[str, object]:
        """The JSON document `score`."""
        document: dict[str, object] = {
            "protocols": {name: dict(conditions) for name, conditions in self.protocols.items()},
            "scores": [asdict(record) for record in self.records],
        }
        if self.aggregates:
            document["aggregates"] = [asdict(value) for value in self.aggregates]
        return document


def pool_values(
    aggregate: Aggregate, values: Mapping[str, Sequence[float | None]]
) -> list[float | None]:
    """The value of `aggregate` for each network of a pool; None where no member has one.

    Args:
        aggregate: The aggregate.
        values: For each member, one value a network, None where it failed.
    """
    better = {member: PROXIES[member].better for member in aggregate.members}
    return aggregate.pool_values(values, better)
