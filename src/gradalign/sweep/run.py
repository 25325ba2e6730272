"""A sweep: many networks measured into a store, from which it can go on at any time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gradalign.store import Store
from gradalign.sweep.plan import Plan
from gradalign.sweep.pool import run_tasks
from gradalign.sweep.process import Limits
from gradalign.sweep.tasks import Backlog, groups


@dataclass(kw_only=True)
class Summary:
    """How far a sweep is, or how it ended. Networks count once for each seed.

    Args:
        asked: Networks asked for.
        already: Of them, those whose records were in the store.
        to_measure: Networks to be measured; isomorphic ones are one.
        measured: Of these, how many are done.
        shared: Networks that got the records of an isomorphic one.
        failures: How many of the measured networks failed in at least one score, by status.
        seconds: Since the first of them was begun.
    """

    asked: int = 0
    already: int = 0
    to_measure: int = 0
    measured: int = 0
    shared: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Measured networks that failed in at least one score."""
        return self.failures.total()

    @property
    def rate(self) -> float:
        """Networks measured in a second."""
        return self.measured / self.seconds if self.seconds > 0 else 0.0

    def to_dict(self) -> dict[str, object]:
        """The JSON document `sweep`."""
        return {**vars(self), "failures": dict(self.failures), "networks_per_second": self.rate}


def sweep(
    models: Sequence[str],
    plan: Plan,
    store: Store,
    *,
    seeds: Sequence[int] = (0,),
    workers: int = 2,
    limits: Limits | None = None,
    retry: bool = False,
    progress: Callable[[Summary], None] | None = None,
) -> Summary:
    """Measure what the store lacks of the scores of these models, and record it.

    Each network's records are written together, as soon as it is done: whatever ends the program,
    the same call goes on from there. Isomorphic architectures that are the same network are
    measured once, under the name that was asked for first, and each gets its own records.

    Args:
        models: Their names; those of a search space with its prefix. A name that comes twice
            counts once.
        plan: What is measured.
        store: Where the records go, and what is there already.
        seeds: Of initialisation and batch; each network is measured with each.
        workers: Number of processes, with one thread each.
        limits: What one network may take.
        retry: Whether what failed earlier is measured again.
        progress: Told how far it is after each network.

    Returns:
        What was done. The failures are in the store, with status and reason.

    Raises:
        InputError: A malformed architecture or an error in `plan`, before anything is measured.
        GradalignError: The store cannot be written, or a process cannot start.
    """
    protocols = plan.scorer().protocol_of
    asked = groups(models)
    names = [model for group in asked for model in group.models]
    store.add(Backlog(store, protocols, retry=retry).copies(asked, seeds))
    backlog = Backlog(store, protocols, retry=retry)
    todo = [each for seed in seeds for each in backlog.measurements(asked, seed)]
    summary = Summary(
        asked=len(names) * len(seeds),
        already=sum(not backlog.missing(name, seed) for name in names for seed in seeds),
        to_measure=len(todo),
    )
    started = time.monotonic()
    for place, found in run_tasks([each.task for each in todo], plan, workers, limits):
        measurement = todo[place]
        store.add(measurement.records(found))
        summary.measured += 1
        summary.shared += len(measurement.missing) - 1
        summary.seconds = time.monotonic() - started
        statuses = [record.status for record in found if record.status != "ok"]
        summary.failures.update(statuses[:1])
        if progress is not None:
            progress(summary)
    return summary
