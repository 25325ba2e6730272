"""Scores and costs of networks, each measured once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from gradalign.candidate import Candidate
from gradalign.errors import InputError
from gradalign.record import Score, Scores
from gradalign.scorer import Scorer
from gradalign.store import Store
from gradalign.sweep import Executor
from gradalign.sweep.worker import Task, unmade

Network = tuple[str, int]
"""Name and seed."""

Records = Mapping[str, Score]
"""Records of one network by proxy."""


class InProcess(Executor):
    """An executor without other processes: for networks that only this one can make.

    Args:
        candidate: The network of a name.
        scorer: Conditions for proxies of these names.
    """

    def __init__(
        self, candidate: Callable[[str], Candidate], scorer: Callable[[tuple[str, ...]], Scorer]
    ) -> None:
        self._candidate = candidate
        self._scorer = scorer
        self._scorers: dict[tuple[str, ...], Scorer] = {}

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Scores]]:
        """The place of each task and its records, in their order."""
        for place, task in enumerate(tasks):
            proxies = task.proxies or ()
            if proxies not in self._scorers:
                self._scorers[proxies] = self._scorer(proxies)
            try:
                candidate = self._candidate(task.model)
            except InputError as error:
                candidate = unmade(task.model, error)
            yield place, self._scorers[proxies].attempt(candidate, task.seed)

    def close(self) -> None:
        """Nothing is left to end."""


class Measurer:
    """Measures what is not recorded yet, and records it.

    Args:
        executor: Where networks are measured.
        scorer: The conditions.
        seed: Of initialisation and batch.
        store: Where the records go too; None: nowhere.
    """

    def __init__(
        self, executor: Executor, scorer: Scorer, seed: int, store: Store | None = None
    ) -> None:
        self.seed = seed
        self.protocols = scorer.protocols
        self._executor = executor
        self._store = store
        self._known: dict[Network, dict[str, Score]] = {}
        if store is not None:
            own = scorer.protocol_of
            frame = store.frame(protocols=set(own.values()), proxies=set(own))
            for record in Scores.from_frame(frame, store.protocols):
                if own[record.proxy] == record.protocol:
                    self._take([record])

    def records(
        self,
        models: Sequence[str],
        proxies: tuple[str, ...],
        *,
        seeds: Sequence[int] | None = None,
        alone: bool = False,
    ) -> dict[Network, Records]:
        """The records of networks, by name and seed.

        Args:
            models: Their names.
            proxies: What to measure.
            seeds: Of initialisation and batch, each in turn; None: the search's own.
            alone: Whether nothing else is to be measured at the same time.
        """
        networks = [(model, seed) for model in models for seed in seeds or (self.seed,)]
        tasks = [task for own in networks if (task := self._lacking(own, proxies)) is not None]
        for group in ([task] for task in tasks) if alone else [tasks] if tasks else []:
            for _, found in self._executor.run(group):
                self._take(found)
                if self._store is not None:
                    self._store.add(found)
        known = self._known
        return {own: {name: known[own][name] for name in proxies} for own in networks}

    def _take(self, records: Iterable[Score]) -> None:
        for record in records:
            self._known.setdefault((record.model, record.seed), {})[record.proxy] = record

    def _lacking(self, network: Network, proxies: tuple[str, ...]) -> Task | None:
        own = self._known.get(network, {})
        missing = tuple(name for name in proxies if name not in own)
        return Task(*network, missing) if missing else None
