"""A sweep: many networks measured into a store, from which it can go on at any time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing

from gradalign.store import Store
from gradalign.sweep.executor import Executor
from gradalign.sweep.named import Named, named, slices
from gradalign.sweep.plan import Plan
from gradalign.sweep.pool import LocalPool
from gradalign.sweep.process import Limits
from gradalign.sweep.shard import Shard
from gradalign.sweep.summary import Summary
from gradalign.sweep.tasks import Backlog, Measurement
from gradalign.sweep.worker import Task

SLICE = 2_000
"""Networks that the store is asked about at a time."""

Watcher = Callable[[Summary], None]


def sweep(
    models: Iterable[str],
    plan: Plan,
    store: Store,
    *,
    seeds: Sequence[int] = (0,),
    shard: Shard | None = None,
    total: int | None = None,
    executor: Executor | None = None,
    workers: int = 2,
    limits: Limits | None = None,
    retry: bool = False,
    progress: Watcher | None = None,
) -> Summary:
    """Measure what the store lacks of the scores of these models, and record it.

    Each network's records are written together, as soon as it is done: whatever ends the program,
    the same call goes on from there. Isomorphic architectures that are the same network are
    measured once, under the name that was asked for first, and each gets its own records.

    Args:
        models: Their names; those of a search space with its prefix. A name that comes twice
            counts once. A sequence is read as a whole before anything is measured; a stream is
            taken in slices, so that a space of any size takes no memory.
        plan: What is measured.
        store: Where the records go, and what is there already.
        seeds: Of initialisation and batch; each network is measured with each.
        shard: The part of the networks to measure; None: all.
        total: How many models a stream holds, where that is known.
        executor: Where networks are measured under `plan`, left open; None: in processes of this
            machine that end with the sweep.
        workers: Number of these processes, with one thread each.
        limits: What one network may take in them.
        retry: Whether what failed earlier is measured again.
        progress: Told how far it is after each network, and after each slice without one.

    Returns:
        What was done. The failures are in the store, with status and reason.

    Raises:
        InputError: An error in `plan`, before anything is measured. A malformed architecture:
            before anything is measured in a sequence, when its slice comes in a stream.
        GradalignError: The store cannot be written, or a process cannot start.
    """
    protocols = plan.scorer().protocol_of
    asked = named(models, shard)
    if isinstance(models, Sequence):
        found = list(asked)
        asked, total = iter(found), len({own.model for own in found})
    elif total is not None and shard is not None:
        total //= shard.of
    summary = Summary(total=None if total is None else total * len(seeds))
    with ExitStack() as stack:
        if executor is None:
            executor = stack.enter_context(LocalPool(plan, workers=workers, limits=limits))
        backlog = stack.enter_context(
            closing(Backlog(store, protocols, seeds, summary, retry=retry))
        )
        _measure(asked, backlog, executor, summary, progress or _ignore)
    return summary


def _measure(
    asked: Iterator[Named],
    backlog: Backlog,
    executor: Executor,
    summary: Summary,
    progress: Watcher,
) -> None:
    """Have the backlog of everything that is asked for measured."""
    measurements: dict[int, Measurement] = {}  # those under way, by the place of their task

    def tasks() -> Iterator[Task]:
        places = itertools.count()
        for part in slices(asked, SLICE):
            planned = backlog.plan(part)
            if not planned:
                progress(summary)
            for measurement in planned:
                measurements[next(places)] = measurement
                yield measurement.task

    started = time.monotonic()
    for place, found in executor.run(tasks()):
        backlog.record(measurements.pop(place), found)
        summary.seconds = time.monotonic() - started
        progress(summary)


def _ignore(_summary: Summary) -> None:
    pass
