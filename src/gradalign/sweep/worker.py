"""What runs in a worker process: one network after the other, with one thread."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from gradalign.candidate import Candidate
from gradalign.data import InputSpec
from gradalign.errors import InputError
from gradalign.record import Scores
from gradalign.scorer import Scorer
from gradalign.sweep.plan import Plan

READY = "ready"
"""First answer of a process: it could start."""


@dataclass(frozen=True)
class Task:
    """One network to measure.

    Args:
        model: Its name.
        seed: Of initialisation and batch.
        proxies: What to measure; None: all that the plan names.
    """

    model: str
    seed: int = 0
    proxies: tuple[str, ...] | None = None


def run(owner: Connection, plan: Plan) -> None:
    """Answer every `Task` with its `Scores` and its seconds, until the owner is gone."""
    _settle_in()
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(owner, tasks), daemon=True).start()
    scorers: dict[tuple[str, ...] | None, Scorer] = {None: plan.scorer()}
    owner.send(READY)
    while True:
        task = tasks.get()
        started = time.perf_counter()
        if task.proxies not in scorers:
            scorers[task.proxies] = plan.scorer(task.proxies)
        scores = _score(task, plan, scorers[task.proxies])
        with suppress(BrokenPipeError):  # the receiving thread ends the process
            owner.send((scores, time.perf_counter() - started))


def unmade(model: str, error: InputError | None = None) -> Candidate:
    """A candidate of that name that is not made, because of `error`."""

    def make(_seed: int) -> object:
        raise error or InputError(f"{model!r} was not made")

    return Candidate(name=model, make=make, spec=InputSpec(num_classes=1))


def _score(task: Task, plan: Plan, scorer: Scorer) -> Scores:
    """The records of one network; nothing is raised for what is wrong with it."""
    try:
        candidate = plan.candidate(task.model)
    except InputError as error:
        candidate = unmade(task.model, error)
    return scorer.attempt(candidate, task.seed)


def _settle_in() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner alone answers to Ctrl-C
    if hasattr(signal, "pthread_sigmask"):  # it was held back until now
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    torch.set_num_threads(1)  # more processes are worth more than more threads
    os.dup2(sys.stderr.fileno(), 1)  # what a network prints must not stand among the results
    with suppress(OSError):  # where memory runs out, the system ends a worker, not the owner
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _receive(owner: Connection, tasks: queue.SimpleQueue[Task]) -> None:
    """Take in tasks; end the process when the owner is gone, whatever it is at."""
    while True:
        try:
            tasks.put(owner.recv())
        except (EOFError, OSError):
            os._exit(0)
