"""A worker process as its owner sees it: started, given one network, watched, and ended."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import cast

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
        _CONTEXT.set_forkserver_preload([worker.__name__])


class WorkerProcess:
    """One worker, started when it gets a network, and anew where it has died.

    Args:
        plan: What it measures.
        limits: What one network may take.
    """

    def __init__(self, plan: Plan, limits: Limits) -> None:
        self._plan = plan
        self._limits = limits
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._since: float | None = None  # when it was free for the network at hand
        self._idle_bytes = 0
        self._attempt = 0
        self.task: Task | None = None

    def begin(self, task: Task) -> None:
        """Send it a network."""
        self.task, self._attempt = task, 1
        self._send()

    @property
    def signs_of_life(self) -> list[Connection | int]:
        """What becomes readable when it answers or dies."""
        if self._connection is None or self._process is None:
            return []
        return [self._connection, self._process.sentinel]

    def answer(self) -> Scores | Failure | None:
        """The records of its network, or why there are none; None while it is at work.

        Raises:
            GradalignError: The process cannot start.
        """
        found: Scores | Failure | None = self._received()
        if found is None and self._process is not None:
            if not self._process.is_alive():
                found = self._received() or self._after_death(self._process)
            else:
                found = self._breach()
        if found is not None:
            self.task = None
        return found

    def stop(self) -> None:
        """End the process at once, whatever it is at."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self) -> None:
        if self._process is None:
            self._start()
        elif self._since is not None:
            self._since = time.monotonic()
        if self._connection is not None:
            with suppress(BrokenPipeError):  # it has died: `answer` finds out
                self._connection.send(self.task)

    def _start(self) -> None:
        self._connection, theirs = _CONTEXT.Pipe()
        self._since = None
        process = _CONTEXT.Process(target=worker.run, args=(theirs, self._plan), daemon=True)
        with _interrupts_ignored():
            process.start()
        theirs.close()
        self._process = process

    def _received(self) -> Scores | None:
        """An answer that has arrived."""
        connection = self._connection
        with suppress(EOFError, OSError):
            while connection is not None and connection.poll():
                message = connection.recv()
                if isinstance(message, Scores):
                    return message
                self._since, self._idle_bytes = time.monotonic(), self._resident()  # it is ready
        return None

    def _after_death(self, process: multiprocessing.process.BaseProcess) -> Failure | None:
        """What the end of the process means for its network; None: it is tried once more."""
        code = process.exitcode or 0
        killed = code < 0 or code == _UNKNOWN_EXIT
        started = self._since is not None
        self.stop()
        if not killed and not started:
            raise GradalignError(
                "a worker process cannot start: in a script, call it under "
                "`if __name__ == '__main__':`"
            )
        if killed and self._attempt < ATTEMPTS:
            self._attempt += 1
            self._send()
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
        if failure is not None:
            self.stop()
        return failure

    def _resident(self) -> int:
        """Resident memory of the process in bytes; 0 once it is gone."""
        with suppress(psutil.Error):
            if self._process is not None and self._limits.max_memory is not None:
                return int(psutil.Process(self._process.pid).memory_info().rss)
        return 0


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


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
