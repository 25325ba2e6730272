"""Many independent tasks on several processes, finished ones taken from the ledger."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import torch

from gradalign import __version__
from gradalign.errors import GradalignError
from gradalign.studies._ledger import Json, Ledger

Task = Mapping[str, Any]
"""What a task is, as JSON has it: it names the result in the ledger."""

Progress = Callable[[str, int, int], None]
"""Called with what is done, the number of tasks done and that of all."""


class Workshop:
    """Where the tasks of a study are done.

    Args:
        ledger: Results so far, and where new ones go.
        workers: Number of processes, with one thread each; 1: this process, with its threads.
        progress: Told how far each `do` is.
    """

    def __init__(
        self,
        ledger: Ledger,
        workers: int = 1,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._workers = workers
        self._progress = progress

    def do(self, what: str, work: Callable[[Task], Json], tasks: Sequence[Task]) -> list[Json]:
        """The result of each task, in their order.

        Args:
            what: What is done, for the reader of the progress and as part of each task's name.
            work: A function of a module, from a task to its result; the result depends on nothing
                else.
            tasks: What differs between them.
        """
        named = [{"study": what, "version": __version__, **task} for task in tasks]
        todo = [task for task in named if self._ledger.get(task) is None]
        done = len(named) - len(todo)
        self.tell(what, done, len(named))
        for task, result in self._results(work, todo):
            self._ledger.put(task, result)
            done += 1
            self.tell(what, done, len(named))
        found = [self._ledger.get(task) for task in named]
        return [result for result in found if result is not None]

    @property
    def workers(self) -> int:
        """Number of processes."""
        return self._workers

    def tell(self, what: str, done: int, total: int) -> None:
        """Say how far something is, as `do` does of its tasks."""
        if self._progress is not None:
            self._progress(what, done, total)

    def _results(
        self, work: Callable[[Task], Json], todo: Sequence[Task]
    ) -> Iterator[tuple[Task, Json]]:
        if self._workers == 1 or len(todo) < 2:
            for task in todo:
                yield task, work(task)
            return
        pool = ProcessPoolExecutor(
            min(self._workers, len(todo)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_settle_in,
        )
        try:
            running: dict[Future[Json], Task] = {pool.submit(work, task): task for task in todo}
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool:
            raise GradalignError(
                "a process was ended from outside, for want of memory perhaps: the same command "
                "goes on, with fewer --workers it needs less"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _settle_in() -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_the_owner, daemon=True).start()


def _end_with_the_owner() -> None:
    """End the process when the one that started it is gone, whatever it is at."""
    owner = multiprocessing.parent_process()
    if owner is not None:
        owner.join()
        os._exit(0)
