"""What runs in a worker process."""

from __future__ import annotations

import signal

import torch

from gradalign.candidate import Candidate
from gradalign.data import InputSpec
from gradalign.errors import InputError
from gradalign.record import Scores
from gradalign.scorer import Scorer
from gradalign.sweep.plan import Plan

_SETTLED: list[tuple[Plan, Scorer]] = []
"""The plan of this process, and what it settles: sources are read once."""


def start(plan: Plan) -> None:
    """Called once in a new process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a fork server gives its processes a handler
    torch.set_num_threads(1)  # more processes are worth more than more threads
    _SETTLED[:] = [(plan, plan.scorer())]


def ready() -> None:
    """Does nothing: answered only by a process that could start."""


def score(model: str, seed: int) -> Scores:
    """The records of one network; nothing is raised for what is wrong with it."""
    plan, scorer = _SETTLED[0]
    try:
        candidate = plan.candidate(model)
    except InputError as error:
        candidate = unmade(model, error)
    return scorer.attempt(candidate, seed)


def unmade(model: str, error: InputError) -> Candidate:
    """A candidate of that name that cannot be made, because of `error`."""

    def make(_seed: int) -> object:
        raise error

    return Candidate(name=model, make=make, spec=InputSpec(num_classes=1))
