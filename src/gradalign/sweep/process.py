"""A worker process as its owner sees it: started, given networks, watched, and ended."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import NamedTuple, cast

import psutil

from gradalign.errors import GradalignError, InputError
from gradalign.failure import Failure
from gradalign.record import Scores
from gradalign.sweep import worker
from gradalign.sweep.plan import Plan
from gradalign.sweep.worker import Task

# Never plain fork: it would inherit the locks of torch's threads and CUDA's state. A fork server
# has imported torch and done nothing else, so a process from it is there at once.
_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
# Both have the same methods; the type of what `get_context` returns lacks some of them.
_CONTEXT = cast("SpawnContext", multiprocessing.get_context(_METHOD))

ATTEMPTS = 3
"""How often a network is tried whose process is killed from outside."""

_SECONDS_AHEAD = 0.1  # so much work waits in the pipe of a process
_MOST_AHEAD = 64  # jobs, which must fit into a pipe that nobody reads
_UNKNOWN_EXIT = 255  # what is told of a process whose fork server is gone


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one network may take; what takes more is ended, and recorded as a failure.

    Args:
        timeout: Seconds; None: no limit.
        max_memory: Bytes of resident memory beside what the idle worker holds; None: no limit.
    """

    timeout: float | None = None
    max_memory: int | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            raise InputError(f"a time limit of {self.timeout} s: it must be above 0")
        if self.max_memory is not None and self.max_memory < 1:
            raise InputError(f"a memory limit of {self.max_memory} bytes: it must be above 0")

    @staticmethod
    def fair_share(workers: int) -> int:
        """Bytes for each of `workers` that the machine has free now."""
        return max(1, int(psutil.virtual_memory().available) // workers)


def preload() -> None:
    """Let the processes to come have the package imported when they start."""
    if _METHOD == "forkserver":
        resource_tracker.ensure_running()  # its start lets interrupts through: not with the next
        _CONTEXT.set_forkserver_preload([worker.__name__])


@dataclass(frozen=True)
class Job:
    """A task on its way.

    Args:
        place: Of the task among those that were asked for.
        task: What is measured.
        attempt: How often it has been tried, this time included.
    """

    place: int
    task: Task
    attempt: int = 1


class Answer(NamedTuple):
    """What became of a job.

    Args:
        job: The job.
        found: Its records, or why there are none.
        seconds: How long a worker was at it.
    """

    job: Job
    found: Scores | Failure
    seconds: float


class WorkerProcess:
    """One worker, started when it gets its first job, and anew where it has died.

    Jobs that wait in its pipe save it from waiting for its owner; it answers in their order.

    Args:
        plan: What it measures.
        limits: What one network may take.
    """

    def __init__(self, plan: Plan, limits: Limits) -> None:
        self._plan = plan
        self._limits = limits
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._since: float | None = None  # when it was free for the job at hand
        self._idle_bytes = 0
        self._pace = 2 * _SECONDS_AHEAD  # seconds a job, of which nothing is known yet
        self.jobs: deque[Job] = deque()
        """What it was sent and has not answered."""

    @property
    def has_room(self) -> bool:
        """Whether another job may be sent: long ones are better left to who is free first."""
        return len(self.jobs) < 1 + min(_MOST_AHEAD, int(_SECONDS_AHEAD / self._pace))

    def send(self, job: Job) -> None:
        """Send it a job."""
        if not self.jobs:
            if self._process is not None and not self._process.is_alive():
                self.stop()
            if self._process is None:
                self._start()
            elif self._since is not None:
                self._since = time.monotonic()
        self.jobs.append(job)
        if self._connection is not None:
            with suppress(BrokenPipeError):  # it has died: `answers` finds out
                self._connection.send(job.task)

    @property
    def signs_of_life(self) -> list[Connection | int]:
        """What becomes readable when it answers or dies."""
        if self._connection is None or self._process is None:
            return []
        return [self._connection, self._process.sentinel]

    def answers(self, returned: deque[Job]) -> list[Answer]:
        """What has arrived, and the failure of a job that ended the process or broke a limit.

        Args:
            returned: Gets what this process will not do any more, which is for another one.

        Raises:
            GradalignError: The process cannot start.
        """
        found = self._received()
        process = self._process
        if found or process is None:
            return found
        failure = None
        if process.is_alive():
            failure = self._breach()
            if failure is None:
                return []
        else:
            found = self._received()  # what it could still say
            if self.jobs:
                failure = self._cause_of_death(process)
        self._give_back(failure, found, returned)
        return found

    def stop(self) -> None:
        """End the process at once, whatever it is at."""
        self.jobs.clear()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _give_back(
        self, failure: Failure | None, found: list[Answer], returned: deque[Job]
    ) -> None:
        """End the process: the job at hand failed, or is tried again; the others are returned."""
        jobs = list(self.jobs)
        self.stop()
        if jobs and failure is not None:
            seconds = 0.0 if self._since is None else time.monotonic() - self._since
            found.append(Answer(jobs.pop(0), failure, seconds))
        elif jobs:
            jobs[0] = replace(jobs[0], attempt=jobs[0].attempt + 1)
        returned.extend(jobs)

    def _start(self) -> None:
        self._connection, theirs = _CONTEXT.Pipe()
        self._since = None
        process = _CONTEXT.Process(target=worker.run, args=(theirs, self._plan), daemon=True)
        with _interrupts_held():
            process.start()
            self._process = process  # an interrupt that was held is raised at the end
        theirs.close()

    def _received(self) -> list[Answer]:
        """The answers that have arrived."""
        found: list[Answer] = []
        connection = self._connection
        with suppress(EOFError, OSError):
            while connection is not None and connection.poll():
                message = connection.recv()
                self._since = time.monotonic()
                if message == worker.READY:
                    self._idle_bytes = self._resident()
                    continue
                scores, seconds = message
                self._pace = max(seconds, self._pace / 2)  # one that is short says little
                found.append(Answer(self.jobs.popleft(), scores, seconds))
        return found

    def _cause_of_death(self, process: multiprocessing.process.BaseProcess) -> Failure | None:
        """What the end of the process means for its job at hand; None: it is tried once more."""
        code = process.exitcode or 0
        killed = code < 0 or code == _UNKNOWN_EXIT
        if not killed and self._since is None:
            raise GradalignError(
                "a worker process cannot start: in a script, call it under "
                "`if __name__ == '__main__':`"
            )
        if killed and self.jobs[0].attempt < ATTEMPTS:
            return None
        ended = f"was killed {ATTEMPTS} times" if killed else f"exited with code {code}"
        why = f" ({_signal_name(-code)})" if code < 0 else ""
        hint = "where memory runs out, fewer workers help; " if code == -signal.SIGKILL else ""
        return Failure(
            "error",
            f"the worker process {ended}{why} before it gave an answer: {hint}score this network "
            "alone to see why",
        )

    def _breach(self) -> Failure | None:
        """The limit that the network at hand has broken, if any; its process is then ended."""
        if self._since is None:
            return None
        timeout, max_memory = self._limits.timeout, self._limits.max_memory
        failure = None
        if timeout is not None and time.monotonic() - self._since > timeout:
            failure = Failure("timeout", f"took more than {timeout:g} s: a longer --timeout helps")
        elif max_memory is not None and self._resident() - self._idle_bytes > max_memory:
            limit = f"{max_memory / 1e9:.3g} GB"
            failure = Failure(
                "out_of_memory", f"took more than {limit} of memory: a larger --max-memory helps"
            )
        return failure

    def _resident(self) -> int:
        """Resident memory of the process in bytes; 0 once it is gone."""
        with suppress(psutil.Error):
            if self._process is not None and self._limits.max_memory is not None:
                return int(psutil.Process(self._process.pid).memory_info().rss)
        return 0


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Context in which processes are started that do not react to Ctrl-C.

    Ctrl-C reaches every process of a terminal, and each would print a traceback: the parent alone
    answers, and ends the workers. What is started here inherits that interrupts are blocked. One
    that comes to this process meanwhile is raised at the end, not lost: blocking would not hold it
    back here, where any thread may take it.
    """
    came: list[int] = []
    main = threading.current_thread() is threading.main_thread()  # only that one may set handlers
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number)) if main else None
    mask = _blocked({signal.SIGINT})
    try:
        yield
    finally:
        _blocked(mask, how="SIG_SETMASK")
        if main:
            signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)
        if came:
            signal.raise_signal(signal.SIGINT)


def _blocked(signals: Iterable[int], how: str = "SIG_BLOCK") -> Iterable[int]:
    """Have this thread, and what it starts, block signals; those that it blocked before."""
    if not hasattr(signal, "pthread_sigmask"):
        return ()
    return signal.pthread_sigmask(getattr(signal, how), signals)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
