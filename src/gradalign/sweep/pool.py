"""A local pool of processes, each of which scores one network at a time with one thread.

Every worker is an executor of its own: where a process dies, it is known which network it was at,
that network gets a record, and only this process is replaced.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from gradalign.errors import GradalignError, InputError
from gradalign.record import Scores
from gradalign.sweep import worker
from gradalign.sweep.plan import Plan

# Never plain fork: it would inherit the locks of torch's threads and CUDA's state. A fork server
# has imported torch and done nothing else, so a process from it is there at once.
_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_CONTEXT = multiprocessing.get_context(_METHOD)


def score_in_processes(
    models: Sequence[str], plan: Plan, *, seed: int = 0, workers: int = 2
) -> Iterator[tuple[int, Scores]]:
    """Score networks in several processes.

    Args:
        models: Their names.
        plan: What is measured.
        seed: Of initialisation and batch.
        workers: Number of processes.

    Yields:
        The place of a network in `models` and its records, as they come: sort by place for the
        given order. A network whose process dies has records of status `error`; the others go on.

    Raises:
        InputError: Before anything is scored, an error in `plan`, or fewer than one worker.
        GradalignError: A process cannot start.
    """
    if workers < 1:
        raise InputError(f"{workers} workers: at least 1 is needed")
    plan.scorer()  # an error in the plan is told here, not by every worker
    if _METHOD == "forkserver":
        _CONTEXT.set_forkserver_preload([worker.__name__])
    waiting = iter(enumerate(models))
    processes = [_Process(plan) for _ in range(min(workers, len(models)))]
    try:
        for process in processes:
            process.submit_next(waiting, seed)
        while running := {p.future: p for p in processes if p.future is not None}:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                process = running[future]
                place, scores = process.take(models, seed)
                process.submit_next(waiting, seed)
                yield place, scores
    finally:  # also where the caller stops early, or presses Ctrl-C
        for process in processes:
            process.stop()


class _Process:
    """One worker process, started anew where it dies.

    Args:
        plan: What it measures.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._executor: ProcessPoolExecutor | None = None
        self._ready: Future[None] | None = None
        self._place = 0
        self.future: Future[Scores] | None = None

    def submit_next(self, waiting: Iterator[tuple[int, str]], seed: int) -> None:
        """Send it the next network, or leave it idle where there is none."""
        self.future = None
        for self._place, model in waiting:
            self.future = self._running().submit(worker.score, model, seed)
            return

    def take(self, models: Sequence[str], seed: int) -> tuple[int, Scores]:
        """Place and records of the network that is done."""
        if self.future is None or self._ready is None:
            raise RuntimeError("no network was sent to this process")
        try:
            return self._place, self.future.result()
        except BrokenProcessPool:
            if self._ready.exception() is not None:
                raise GradalignError(
                    "a worker process cannot start: in a script, call it under "
                    "`if __name__ == '__main__':`"
                ) from None
            self.stop()
            return self._place, _died(models[self._place], self._plan, seed)

    def stop(self) -> None:
        """End the process at once, whatever it is at."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        # The executor would wait for the network at hand: minutes after a Ctrl-C.
        for process in list((executor._processes or {}).values()):
            process.terminate()
        executor.shutdown(wait=True, cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                1, mp_context=_CONTEXT, initializer=worker.start, initargs=(self._plan,)
            )
            with _interrupts_ignored():
                self._ready = self._executor.submit(worker.ready)
        return self._executor


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Context in which processes are started that do not react to Ctrl-C.

    Ctrl-C reaches every process of a terminal, and each would print a traceback: the parent alone
    answers, and ends the workers.
    """
    if threading.current_thread() is not threading.main_thread():  # only that one may set signals
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _died(model: str, plan: Plan, seed: int) -> Scores:
    """Records that say that the process ended while it was at `model`."""
    error = InputError(
        "the worker process ended without an answer (killed, out of memory or crashed): score this "
        "network alone to see why"
    )
    return plan.scorer().attempt(worker.unmade(model, error), seed)
