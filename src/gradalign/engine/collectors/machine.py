"""What a pass takes on this machine: time, and memory for activations and gradients."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import call
from gradalign.engine.collectors._base import COLLECTORS, Collector, total_loss
from gradalign.engine.naive import differentiable, gradient

WARM_UP, REPEATS = 3, 10
"""Passes before the clock is read, and passes that are timed."""


def latency(conditions: Conditions) -> Tensor:
    """Median seconds of a forward pass of one sample, in eval mode without gradients."""
    model, inputs = conditions.model.model, conditions.batch[0:1].inputs
    cuda = any(parameter.is_cuda for parameter in model.parameters())
    seconds = []
    with torch.no_grad():
        for _ in range(WARM_UP + REPEATS):
            if cuda:
                torch.cuda.synchronize()
            started = time.perf_counter()
            call(model, inputs)
            if cuda:
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - started)
    return torch.tensor(statistics.median(seconds[WARM_UP:]), dtype=torch.float64)


class _Live(TorchDispatchMode):
    """Context that counts the bytes of the tensors that are alive at once.

    Counted after every operation, when its inputs and outputs are alive; what an operation takes
    and gives back inside is not seen. Tensors that were there before count as nothing.

    Args:
        given: Those tensors.
    """

    def __init__(self, given: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._given = {tensor.untyped_storage()._cdata for tensor in given}
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        self._alive = {key: held for key, held in self._alive.items() if not held[0].expired()}
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor) and tensor.layout == torch.strided:
                storage = tensor.untyped_storage()
                if storage._cdata not in self._given and storage._cdata not in self._alive:
                    self._alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self.peak = max(self.peak, sum(size for _, size in self._alive.values()))
        return out


def activation_bytes(conditions: Conditions) -> Tensor:
    """Most bytes of activations alive at once in a forward pass of one sample in eval mode."""
    model, inputs = conditions.model.model, conditions.batch[0:1].inputs
    given = [tensor for tensor in tree_leaves(inputs) if isinstance(tensor, Tensor)]
    given += [*model.parameters(), *model.buffers()]
    with torch.no_grad(), _Live(given) as live:
        call(model, inputs)
    return torch.tensor(live.peak)


def training_bytes(conditions: Conditions) -> Tensor:
    """Most bytes of activations and gradients alive at once in a training step on the batch."""
    model, inputs = conditions.model.model, conditions.batch.inputs
    given = [tensor for tensor in tree_leaves(inputs) if isinstance(tensor, Tensor)]
    given += [*model.parameters(), *model.buffers()]
    with differentiable(conditions.model), _Live(given) as live:
        gradient(total_loss(conditions), conditions.parameters)
    return torch.tensor(live.peak)


COLLECTORS.add(
    "latency",
    Collector(cost=f"{WARM_UP + REPEATS} forwards of one sample", collect=latency),
)
COLLECTORS.add(
    "activation_bytes",
    Collector(cost="one forward of one sample", collect=activation_bytes),
)
COLLECTORS.add(
    "training_bytes",
    Collector(cost="one forward and backward", collect=training_bytes),
)
