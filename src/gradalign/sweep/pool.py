"""A local pool of processes, each of which scores one network at a time with one thread.

Where a process dies, it is known which network it was at: that network is tried again or gets a
record, and only this process is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import connection

from gradalign.errors import InputError
from gradalign.failure import Failure
from gradalign.record import Scores
from gradalign.sweep.plan import Plan
from gradalign.sweep.process import Limits, WorkerProcess, preload
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
    yield from run_tasks([Task(model, seed) for model in models], plan, workers, limits)


def run_tasks(
    tasks: Sequence[Task], plan: Plan, workers: int, limits: Limits | None = None
) -> Iterator[tuple[int, Scores]]:
    """The place of each task and its records, as they come; arguments as above."""
    if workers < 1:
        raise InputError(f"{workers} workers: at least 1 is needed")
    scorer = plan.scorer()  # an error in the plan is told here, not by every worker
    preload()
    waiting = iter(enumerate(tasks))
    limits = limits or Limits()
    processes = [WorkerProcess(plan, limits) for _ in range(min(workers, len(tasks)))]
    places: dict[WorkerProcess, int] = {}
    tick = None if limits == Limits() else _TICK
    try:
        for process in processes:
            _begin_next(process, waiting, places)
        while places:
            connection.wait(_signs_of_life(places), timeout=tick)
            for process, place in list(places.items()):
                answer = process.answer()
                if answer is None:
                    continue
                del places[process]
                _begin_next(process, waiting, places)  # it works while the answer is dealt with
                if isinstance(answer, Failure):
                    task = tasks[place]
                    failed = plan.scorer(task.proxies) if task.proxies else scorer
                    answer = failed.failed(unmade(task.model), answer, task.seed)
                yield place, answer
    finally:  # also where the caller stops early, or presses Ctrl-C
        for process in processes:
            process.stop()


def _begin_next(
    process: WorkerProcess, waiting: Iterator[tuple[int, Task]], places: dict[WorkerProcess, int]
) -> None:
    """Send a process the next task, if there is one."""
    for place, task in waiting:
        places[process] = place
        process.begin(task)
        return


def _signs_of_life(processes: Iterable[WorkerProcess]) -> list[connection.Connection | int]:
    return [sign for process in processes for sign in process.signs_of_life]
