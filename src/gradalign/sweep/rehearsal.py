"""A small sweep into a store that is thrown away, to see what a large one will take."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gradalign.errors import InputError
from gradalign.record import Scores
from gradalign.store import Store
from gradalign.sweep.forecast import Sample
from gradalign.sweep.plan import Plan
from gradalign.sweep.pool import LocalPool
from gradalign.sweep.process import Answer, Limits
from gradalign.sweep.run import sweep
from gradalign.sweep.worker import Task

NETWORKS = 10
"""How many are measured, after one by each worker."""

SECONDS = 5.0
"""Where they are fast, more are measured, for about so long."""

MOST = 1_000
"""How many are measured at most, and how many the size of a store is worked out from."""


def rehearse(
    models: Iterable[str], plan: Plan, *, workers: int = 2, limits: Limits | None = None
) -> Sample:
    """Sweep some networks and see what that takes.

    Args:
        models: Names in a random order; no more are taken than are needed.
        plan: What is measured.
        workers: How many processes measure at the same time.
        limits: What one network may take.

    Raises:
        InputError: An error in `plan`, a malformed architecture, or too few networks.
    """
    names = iter(models)
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder) / "rehearsal.db") as store,
        _TimedPool(plan, workers=workers, limits=limits) as pool,
    ):
        first = _part(islice(names, workers), plan, store, pool)  # one for each process
        last = then = _part(islice(names, NETWORKS), plan, store, pool)
        if len(then.seconds) < 2:
            raise InputError("there are too few different networks for a prediction: sweep them")
        fast = int(SECONDS * workers * len(then.seconds) / sum(then.seconds))
        if fast >= 2 * NETWORKS:
            last = _part(islice(names, min(fast, MOST)), plan, store, pool)
        stored = store.scores([*first.models, *then.models])
        fixed, each = _bytes(stored, Path(folder))
    parts = [then] if last is then else [then, last]
    return Sample(
        seconds=tuple(seconds for part in parts for seconds in part.seconds),
        start_seconds=first.wall,
        owner_seconds=last.processor / len(last.seconds),
        fixed_bytes=fixed,
        network_bytes=each,
        records=len(plan.proxies),
        failed=sum(part.failed for part in (first, *parts)),
        workers=workers,
    )


class _Part(NamedTuple):
    """What some networks took."""

    models: list[str]
    seconds: list[float]  # of each that was measured
    wall: float
    processor: float  # of this process
    failed: int


class _TimedPool(LocalPool):
    """A pool that remembers how long each network took."""

    seconds: list[float]

    def answers(self, tasks: Iterable[Task]) -> Iterator[Answer]:
        """Those of the pool."""
        self.seconds = []
        for answer in super().answers(tasks):
            self.seconds.append(answer.seconds)
            yield answer


def _part(models: Iterable[str], plan: Plan, store: Store, pool: _TimedPool) -> _Part:
    names = list(models)
    wall, processor = time.monotonic(), time.process_time()
    done = sweep(names, plan, store, executor=pool)
    return _Part(
        names,
        pool.seconds,
        time.monotonic() - wall,
        time.process_time() - processor,
        done.failed,
    )


def _bytes(stored: Scores, folder: Path) -> tuple[float, float]:
    """What a store takes without networks, and for each: from stores of two sizes."""
    networks: dict[str, Scores] = {}
    for model in dict.fromkeys(record.model for record in stored):
        own = [record for record in stored if record.model == model]
        networks[model] = Scores(own, stored.protocols)
    half = MOST // 2
    small, large = (_filled(networks, size, folder / f"{size}.db") for size in (half, MOST))
    each = (large - small) / half
    return small - half * each, each


def _filled(networks: dict[str, Scores], size: int, path: Path) -> int:
    """Bytes of a store of so many networks, each the records of a measured one renamed."""
    kinds = list(networks.values())
    with Store.open(path) as store:
        records = [
            replace(
                record,
                model=_renamed(record.model, k),
                canonical=record.canonical and _renamed(record.canonical, k),
            )
            for k in range(size)
            for record in kinds[k % len(kinds)]
        ]
        store.add(Scores(records, kinds[0].protocols))
    return path.stat().st_size


def _renamed(text: str, number: int) -> str:
    """A name of the same length that no other number gives."""
    tag = f"{number:04}"
    return tag + text[len(tag) :]
