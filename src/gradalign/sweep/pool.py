"""A local pool of processes, each of which scores one network at a time with one thread.

Where a process dies, it is known which network it was at: that network is tried again or gets a
record, and what else was sent to this process goes to another.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import connection

from gradalign.errors import InputError
from gradalign.record import Scores
from gradalign.sweep.executor import Executor
from gradalign.sweep.plan import Plan
from gradalign.sweep.process import Answer, Job, Limits, WorkerProcess, preload
from gradalign.sweep.worker import Task, unmade

_TICK = 0.1  # seconds between two looks at time and memory


def score_in_processes(
    models: Sequence[str],
    plan: Plan,
    *,
    seed: int = 0,
    workers: int = 2,
    limits: Limits | None = None,
) -> Iterator[tuple[int, Scores]]:
    """Score networks in several processes.

    Args:
        models: Their names.
        plan: What is measured.
        seed: Of initialisation and batch.
        workers: Number of processes.
        limits: What one network may take.

    Yields:
        The place of a network in `models` and its records, as they come: sort by place for the
        given order. A network whose process dies has records of status `error`, one that breaks a
        limit such of status `timeout` or `out_of_memory`; the others go on.

    Raises:
        InputError: Before anything is scored, an error in `plan`, or fewer than one worker.
        GradalignError: A process cannot start.
    """
    with LocalPool(plan, workers=workers, limits=limits) as pool:
        yield from pool.run(Task(model, seed) for model in models)


class LocalPool(Executor):
    """An executor of processes on this machine, which stay between two calls of `run`.

    Args:
        plan: What is measured.
        workers: Number of processes at most; each starts when there is work for it.
        limits: What one network may take.

    Raises:
        InputError: An error in `plan`, or fewer than one worker.
    """

    def __init__(self, plan: Plan, *, workers: int = 2, limits: Limits | None = None) -> None:
        if workers < 1:
            raise InputError(f"{workers} workers: at least 1 is needed")
        self._plan = plan
        self._scorer = plan.scorer()  # an error in the plan is told here, not by every worker
        limits = limits or Limits()
        self._tick = None if limits == Limits() else _TICK
        self._looked = time.monotonic()
        self._processes = [WorkerProcess(plan, limits) for _ in range(workers)]

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Scores]]:
        """The place of each task and its records, as they come; see `Executor`."""
        for answer in self.answers(tasks):
            yield answer.job.place, self._records(answer)

    def answers(self, tasks: Iterable[Task]) -> Iterator[Answer]:
        """As `run`, with the time that each task took."""
        preload()
        waiting = enumerate(tasks)
        returned: deque[Job] = deque()
        try:
            self._hand_out(returned, waiting)
            while any(process.jobs for process in self._processes):
                found = [each for own in self._awake() for each in own.answers(returned)]
                self._hand_out(returned, waiting)  # they work while the answers are dealt with
                yield from found
        except BaseException:  # also where the caller stops early, or presses Ctrl-C
            self.close()
            raise

    def close(self) -> None:
        """End the processes at once."""
        for process in self._processes:
            process.stop()

    def _hand_out(self, returned: deque[Job], waiting: Iterator[tuple[int, Task]]) -> None:
        """Fill the queues of the processes, the shortest one first."""
        while open_ := [process for process in self._processes if process.has_room]:
            job = returned.popleft() if returned else _next_job(waiting)
            if job is None:
                return
            min(open_, key=lambda process: len(process.jobs)).send(job)

    def _awake(self) -> list[WorkerProcess]:
        """The processes that have answered or died; now and then, all that are at work."""
        busy = [process for process in self._processes if process.jobs]
        signs = {sign: process for process in busy for sign in process.signs_of_life}
        ready = set(connection.wait(list(signs), timeout=self._tick))
        if self._tick is not None and time.monotonic() - self._looked >= self._tick:
            self._looked = time.monotonic()
            return busy
        return list(dict.fromkeys(process for sign, process in signs.items() if sign in ready))

    def _records(self, answer: Answer) -> Scores:
        if isinstance(answer.found, Scores):
            return answer.found
        task = answer.job.task
        scorer = self._plan.scorer(task.proxies) if task.proxies else self._scorer
        return scorer.failed(unmade(task.model), answer.found, task.seed)


def _next_job(waiting: Iterator[tuple[int, Task]]) -> Job | None:
    for place, task in waiting:
        return Job(place, task)
    return None
