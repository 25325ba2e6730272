"""What is left to measure of what was asked for, and whose records one measurement makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gradalign.models import identity
from gradalign.record import Scores
from gradalign.store import Store
from gradalign.sweep.worker import Task

Key = tuple[str, str]
"""Proxy and protocol."""


@dataclass(frozen=True)
class Group:
    """Models that are one network: the first is measured for all.

    Args:
        models: Their names, in the order in which they were asked for.
        canonical: What isomorphic architectures share; None: they are of no search space.
    """

    models: tuple[str, ...]
    canonical: str | None


@dataclass(frozen=True)
class Measurement:
    """One task, and the models that get its records.

    Args:
        task: What is measured.
        group: The models.
        missing: For each of them, the proxies that it has no record of.
    """

    task: Task
    group: Group
    missing: Mapping[str, frozenset[str]]

    def records(self, found: Scores) -> Scores:
        """The measured records under the name of each model that lacks them."""
        return Scores(
            [
                replace(record, model=model, canonical=self.group.canonical)
                for model, missing in self.missing.items()
                for record in found
                if record.proxy in missing
            ],
            found.protocols,
        )


def groups(models: Sequence[str]) -> list[Group]:
    """Models by network, in the order of their first; each model once.

    Raises:
        InputError: A malformed architecture.
    """
    members: dict[str, list[str]] = {}
    canonical: dict[str, str | None] = {}
    for model in dict.fromkeys(model.strip() for model in models):
        own = identity(model)
        key = model if own is None else own.key
        members.setdefault(key, []).append(model)
        canonical[key] = None if own is None else own.canonical
    return [Group(tuple(found), canonical[key]) for key, found in members.items()]


class Backlog:
    """What of a request a store lacks.

    Args:
        store: The store.
        protocols: The protocol under which each proxy is asked for.
        retry: Whether records of failures count as lacking.
    """

    def __init__(self, store: Store, protocols: Mapping[str, str], *, retry: bool) -> None:
        self._store = store
        self._protocols = protocols
        self._recorded = store.recorded()
        self._retry = retry

    def missing(self, model: str, seed: int) -> frozenset[str]:
        """The proxies for which there is no record of `model`."""
        recorded = self._recorded.get((model, seed), {})
        return frozenset(
            proxy
            for proxy, protocol in self._protocols.items()
            if (status := recorded.get((proxy, protocol))) is None
            or (self._retry and status != "ok")
        )

    def measurements(self, asked: Sequence[Group], seed: int) -> Iterator[Measurement]:
        """One for each group that lacks something, after the copies that twins can have."""
        for group in asked:
            missing = {model: self.missing(model, seed) for model in group.models}
            missing = {model: proxies for model, proxies in missing.items() if proxies}
            if missing:
                wanted = frozenset[str]().union(*missing.values())
                # in the plan's order: few different lists, each settled once by a worker
                proxies = tuple(name for name in self._protocols if name in wanted)
                yield Measurement(Task(next(iter(missing)), seed, proxies), group, missing)

    def copies(self, asked: Sequence[Group], seeds: Sequence[int]) -> Scores:
        """Records of twins that were asked for earlier, under the names that lack them."""
        sources: dict[tuple[str, int], list[tuple[Group, str, frozenset[str]]]] = {}
        for group in asked:
            for seed in seeds if len(group.models) > 1 else ():
                missing = {model: self.missing(model, seed) for model in group.models}
                source = min(group.models, key=lambda model: len(missing[model]))
                own = [(group, m, missing[m] - missing[source]) for m in group.models]
                if found := [each for each in own if each[2]]:
                    sources[source, seed] = found
        if not sources:
            return Scores([], {})
        records = [
            replace(record, model=model, canonical=group.canonical)
            for record in self._stored()
            if self._protocols.get(record.proxy) == record.protocol
            for group, model, proxies in sources.get((record.model, record.seed), ())
            if record.proxy in proxies
        ]
        return Scores(records, self._store.protocols)

    def _stored(self) -> Scores:
        """The records of the store that are of this request's conditions."""
        frame = self._store.frame(protocols=set(self._protocols.values()))
        return Scores.from_frame(frame, self._store.protocols)
