"""Networks measured on many machines, by Ray: one actor a worker slot, a local pool in each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from gradalign.errors import GradalignError, InputError
from gradalign.failure import Failure, one_line
from gradalign.record import Scores
from gradalign.sweep._cluster_address import connected
from gradalign.sweep._cluster_slots import Slot, Slots
from gradalign.sweep._cluster_work import Work
from gradalign.sweep.executor import Executor
from gradalign.sweep.plan import Plan
from gradalign.sweep.process import ATTEMPTS, Limits
from gradalign.sweep.worker import Task, unmade

START_SECONDS = 30.0
"""How long all workers are waited for; after that, those that are there begin."""

LONELY_SECONDS = 120.0
"""How long a cluster that has no worker is waited for."""

QUEUED = 2
"""Chunks that a worker holds: one that it is at, and one so that it need not wait for its owner."""


class RayCluster(Executor):
    """An executor on the machines of a Ray cluster; use it in a `with` block.

    Every GPU has one worker, which measures several networks at once; where the cluster has none,
    or the plan asks for the CPU, every CPU has one, which measures one network at a time. What a
    single network does to its process is dealt with on its machine, as by `LocalPool`. Where a
    worker or a whole machine is lost, what it had is given to others, and another worker begins as
    soon as there is room.

    Args:
        plan: What is measured.
        address: HOST:PORT, or `auto` for the cluster that this machine is part of. None: the one
            of RAY_ADDRESS, else a cluster of this machine alone, which ends with the `with` block.
        limits: What one network may take. Without a limit of memory each gets its share of what
            its machine has free: where that runs out, Ray ends workers, guilty or not.
        networks_in_flight: Networks that each GPU measures at once.

    Raises:
        InputError: Ray is not installed, no cluster answers, or a worker has another version of
            gradalign, Python or torch, or would measure under another protocol.
        GradalignError: No worker can start.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        address: str | None = None,
        limits: Limits | None = None,
        networks_in_flight: int = 2,
    ) -> None:
        if networks_in_flight < 1:
            raise InputError(f"{networks_in_flight} networks in flight: at least 1 is needed")
        self._plan = plan
        with ExitStack() as stack:
            self._ray = stack.enter_context(connected(address))
            self._slots = Slots(self._ray, plan, limits or Limits(), networks_in_flight)
            stack.callback(self._slots.end)
            self._await_workers()
            self._stack = stack.pop_all()

    @property
    def workers(self) -> int:
        """How many there are, those included that still wait for room."""
        return len(self._slots.all)

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Scores]]:
        """The place of each task and its records, chunk by chunk, as they come.

        Tasks are pulled as workers have room for them: at most two chunks of a second's work each.

        Raises:
            InputError: A worker that came later cannot be used.
            GradalignError: No worker is left, or none can start.
        """
        work = Work(tasks, self._slots.processes)
        try:
            while self._hand_out(work):
                found = self._next_answers(work)
                self._hand_out(work)  # they work while the answers are dealt with
                yield from found
        finally:  # also where the caller stops early, or presses Ctrl-C
            for slot in self._slots.ready:
                if slot.chunks:
                    self._slots.replace(slot)

    def close(self) -> None:
        """End the workers, and the cluster if it was started for this; again: nothing."""
        self._stack.close()

    def _await_workers(self) -> None:
        """Wait until all workers have come, or some of them and no more within a time."""
        until = time.monotonic() + START_SECONDS
        while len(self._slots.ready) < len(self._slots.all):
            event = self._slots.event(max(0.0, until - time.monotonic()))
            if event is not None:
                self._slots.welcome(event[0])
            elif self._slots.ready:
                return
            else:
                raise GradalignError(
                    f"no worker has started within {START_SECONDS:.0f} s: see in `ray status` "
                    "whether other work holds the cluster"
                )

    def _hand_out(self, work: Work) -> bool:
        """Give workers chunks while they have room; whether there is anything to wait for."""
        ready = self._slots.ready
        if not ready:
            return work.left
        for depth in range(1, QUEUED + 1):  # each gets one before any gets a second
            for slot in ready:
                if len(slot.chunks) < depth:
                    chunk = work.chunk()
                    if not chunk:
                        return any(slot.chunks for slot in ready)
                    slot.give(chunk)
        return True

    def _next_answers(self, work: Work) -> list[tuple[int, Scores]]:
        """Wait for what happens next; the records that it brings, if any."""
        event = self._slots.event(None if self._slots.ready else LONELY_SECONDS)
        if event is None:
            raise GradalignError(
                "no worker of the cluster is left, and none has come within "
                f"{LONELY_SECONDS:.0f} s: the same call goes on when there are machines again"
            )
        slot, reference = event
        if reference == slot.introduction:
            self._slots.welcome(slot)
            return []
        try:
            seconds, found = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise GradalignError(f"a worker failed: {one_line(error.cause)}") from error
        except self._ray.exceptions.RayError:  # the worker is gone, or its answer is
            return self._lost(slot, work)
        chunk = slot.chunks.pop(reference)
        work.took(chunk, seconds)
        return [(chunk[k][0], scores) for k, scores in found]

    def _lost(self, slot: Slot, work: Work) -> list[tuple[int, Scores]]:
        """Replace a worker and give what it had to others; records of what is given up."""
        self._slots.replace(slot)
        given_up = [
            each
            for order, chunk in enumerate(slot.chunks.values())
            for each in work.give_back(chunk, begun=order == 0)
        ]
        return [(place, self._given_up(task)) for place, task in given_up]

    def _given_up(self, task: Task) -> Scores:
        failure = Failure(
            "error",
            f"its worker on the cluster was lost {ATTEMPTS} times: where memory runs out, "
            "--max-memory helps; score this network alone to see why",
        )
        return self._plan.scorer(task.proxies).failed(unmade(task.model), failure, task.seed)
