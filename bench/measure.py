"""Time as a multiple of one training step, both taken in turns in one process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SHORTEST = 0.1
"""Seconds that a timed stretch lasts at least: what is faster is repeated within it."""

FAR_OFF = 10.0
"""What takes more steps than this is timed once: no repeat would change what is said of it."""


@dataclass
class Timing:
    """Ratios to a training step, one for each repeat, and the seconds of the steps beside them."""

    ratios: list[float] = field(default_factory=list)
    step_seconds: list[float] = field(default_factory=list)


def training_step(network: nn.Module, inputs: Tensor, targets: Tensor) -> Callable[[], None]:
    """Forward, mean cross-entropy and backward in train mode, without an optimiser's update."""

    def step() -> None:
        network.zero_grad(set_to_none=True)
        F.cross_entropy(network(inputs), targets).backward()

    return step


def interleaved(
    step: Callable[[], object],
    rivals: Mapping[str, Callable[[], object]],
    repeats: Mapping[str, int],
) -> dict[str, Timing]:
    """Step and rival in turns (A B A C A B A C ...), everything run once before that is timed.

    Whatever slows the machine for a while slows a step and the rival next to it alike, so only
    the ratio of neighbours is taken. CPU time of the process, not wall time: others may be at work.

    Args:
        step: What counts as 1.
        rivals: What is compared with it, by name; already run once.
        repeats: How often each is timed.
    """
    step()
    calls = _calls(step)
    rival_calls = {name: _calls(rival) for name, rival in rivals.items()}
    timings = {name: Timing() for name in rivals}
    for turn in range(max(repeats.values(), default=0)):
        for name, rival in rivals.items():
            timing = timings[name]
            if turn >= repeats[name] or (turn and timing.ratios[0] > FAR_OFF):
                continue
            base = _seconds(step, calls)
            timing.ratios.append(_seconds(rival, rival_calls[name]) / base)
            timing.step_seconds.append(base)
    return timings


def _calls(run: Callable[[], object]) -> int:
    """How often to run something in one stretch."""
    return max(1, math.ceil(SHORTEST / _seconds(run, calls=1)))


def _seconds(run: Callable[[], object], calls: int) -> float:
    """CPU seconds of one call, mean over `calls` in a row."""
    start = time.process_time()
    for _ in range(calls):
        run()
    return (time.process_time() - start) / calls


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
