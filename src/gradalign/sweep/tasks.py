"""What is left to measure of what is asked for, and whose records one measurement makes.

Networks come in slices: of what was asked for earlier, only what is being measured is in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gradalign.record import Score, Scores
from gradalign.store import Store
from gradalign.sweep.met import Met
from gradalign.sweep.named import Named
from gradalign.sweep.summary import Summary
from gradalign.sweep.worker import Task

Proxies = frozenset[str]


@dataclass(frozen=True)
class Measurement:
    """One task, and the models that get its records.

    Args:
        task: What is measured.
        own: The model that is measured, and its network.
        missing: For each model that gets records, the proxies of which; twins that are asked for
            meanwhile join.
    """

    task: Task
    own: Named
    missing: dict[str, Proxies]

    def records(self, found: Scores) -> Scores:
        """The measured records under the name of each model that lacks them."""
        return Scores(
            [
                replace(record, model=model, canonical=self.own.canonical)
                for model, missing in self.missing.items()
                for record in found
                if record.proxy in missing
            ],
            found.protocols,
        )


@dataclass(frozen=True)
class _Copy:
    """What a model gets of a twin's records."""

    source: str
    own: Named
    seed: int
    proxies: Proxies


class Backlog:
    """What of a request a store lacks, and what comes of it.

    Args:
        store: The store.
        protocols: The protocol under which each proxy is asked for.
        seeds: Of initialisation and batch; each network is asked for with each.
        retry: Whether records of failures count as lacking.
        summary: Where everything is counted.
    """

    def __init__(
        self,
        store: Store,
        protocols: Mapping[str, str],
        seeds: Sequence[int],
        summary: Summary,
        *,
        retry: bool,
    ) -> None:
        self._store = store
        self._protocols = protocols
        self._seeds = seeds
        self._summary = summary
        self._retry = retry
        self._met = Met()
        self._waiting: dict[tuple[str, int], Measurement] = {}  # by network and seed

    def plan(self, asked: Iterable[Named]) -> list[Measurement]:
        """What a slice of the request needs to have measured; each is to end in `record`.

        Models that can have the records of a twin in the store get them at once.
        """
        groups, following = self._sorted(asked)
        models = [own.model for group in groups for own in group]
        models += [own.model for own, _ in following]
        recorded = _Recorded(self._store, models, self._protocols, retry=self._retry)
        self._summary.asked += len(models) * len(self._seeds)
        copies: list[_Copy] = []
        measurements: list[Measurement] = []
        for seed in self._seeds:
            for group in groups:
                measurement = self._lead(group, seed, recorded, copies)
                if measurement is not None:
                    measurements.append(measurement)
            for own, first in following:
                self._follow(own, first, seed, recorded, copies)
        self._copy(copies)
        return measurements

    def record(self, measurement: Measurement, found: Scores) -> None:
        """Keep what was measured, under the name of every model that gets it."""
        self._store.add(measurement.records(found))
        del self._waiting[measurement.own.network, measurement.task.seed]
        self._summary.count(found, shared=len(measurement.missing) - 1)

    def close(self) -> None:
        """Forget what was asked for."""
        self._met.close()

    def _sorted(self, asked: Iterable[Named]) -> tuple[list[list[Named]], list[tuple[Named, str]]]:
        """Models of new networks, by network; further ones, with the first of their network.

        A model that was asked for before is left out.
        """
        leading: dict[str, list[Named]] = {}
        following: list[tuple[Named, str]] = []
        for own in asked:
            first = self._met.first(own.network, own.model)
            if first is None:
                leading[own.network] = [own]
            elif first == own.model or not self._met.is_new(own.model):
                continue
            elif own.network in leading:
                leading[own.network].append(own)
            else:
                following.append((own, first))
        return list(leading.values()), following

    def _lead(
        self, group: list[Named], seed: int, recorded: _Recorded, copies: list[_Copy]
    ) -> Measurement | None:
        """The measurement that the models of a new network need, if any."""
        lacking = {own.model: recorded.lacking(own.model, seed) for own in group}
        source = min(lacking, key=lambda model: len(lacking[model]))
        missing: dict[str, Proxies] = {}
        for own in group:
            copied = lacking[own.model] - lacking[source]
            measured = lacking[own.model] & lacking[source]
            if copied:
                copies.append(_Copy(source, own, seed, copied))
            if measured:
                missing[own.model] = measured
            elif copied:
                self._summary.shared += 1
            else:
                self._summary.already += 1
        if not missing:
            return None
        # in the plan's order: few different lists, each settled once by a worker
        proxies = tuple(name for name in self._protocols if name in lacking[source])
        first = next(own for own in group if own.model in missing)
        measurement = Measurement(Task(first.model, seed, proxies), first, missing)
        self._waiting[first.network, seed] = measurement
        self._summary.to_measure += 1
        return measurement

    def _follow(
        self, own: Named, first: str, seed: int, recorded: _Recorded, copies: list[_Copy]
    ) -> None:
        """Give a model what the first of its network has, or will have."""
        lacking = recorded.lacking(own.model, seed)
        measurement = self._waiting.get((own.network, seed))
        joined = lacking.intersection(measurement.task.proxies or ()) if measurement else Proxies()
        if measurement and joined:
            measurement.missing[own.model] = joined
        elif lacking:
            self._summary.shared += 1
        else:
            self._summary.already += 1
        if lacking > joined:
            copies.append(_Copy(first, own, seed, lacking - joined))

    def _copy(self, copies: Sequence[_Copy]) -> None:
        """Record what models get of the records in the store."""
        if not copies:
            return
        stored = self._store.scores({copy.source for copy in copies})
        of_source: dict[tuple[str, int], list[Score]] = {}
        for record in stored:
            if self._protocols.get(record.proxy) == record.protocol:
                of_source.setdefault((record.model, record.seed), []).append(record)
        records = [
            replace(record, model=copy.own.model, canonical=copy.own.canonical)
            for copy in copies
            for record in of_source[copy.source, copy.seed]
            if record.proxy in copy.proxies
        ]
        self._store.add(Scores(records, stored.protocols))


class _Recorded:
    """What the store has of some models."""

    def __init__(
        self, store: Store, models: Sequence[str], protocols: Mapping[str, str], *, retry: bool
    ) -> None:
        self._found = store.recorded(models)
        self._protocols = protocols
        self._retry = retry

    def lacking(self, model: str, seed: int) -> Proxies:
        """The proxies of which there is no record."""
        recorded = self._found.get((model, seed), {})
        return Proxies(
            proxy
            for proxy, protocol in self._protocols.items()
            if (status := recorded.get((proxy, protocol))) is None
            or (self._retry and status != "ok")
        )
