"""Recording of one ordinary forward pass, for the backends that go sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine._conditions import Conditions
from gradalign.engine._layers import Call, call_macs, is_layer, tensor_macs
from gradalign.engine._loss import check_finite
from gradalign.engine._modes import Moments, PassMode
from gradalign.engine._prepare import Prepared
from gradalign.engine._weights import Weight

Tap = Callable[[int, Tensor], Tensor]
"""(number of the call, output) to what goes on in its place."""


class Recorder:
    """Calls of the modules that hold a block, with their inputs and outputs.

    Args:
        model: The model that will be called.
        mode: Of the forward pass; its clock orders the calls, its ReLUs are recorded.
        n: Number of samples of the forward pass.
        tap: Applied to the output of each weight layer; a copy by default, so that an in-place
            operation that follows leaves the recorded output alone.
    """

    def __init__(self, model: Prepared, mode: PassMode, n: int, tap: Tap | None = None) -> None:
        self.calls: list[Call] = []
        self.inputs: list[Tensor | None] = []
        self.outputs: list[Tensor | None] = []
        self.reached_codes: set[int] = set()
        self.codes: list[Tensor] = []
        self.times: dict[int, int] = {}
        self.macs: dict[int, int] = {}
        self._model = model
        self.mode = mode
        mode.on_relu = self._on_relu
        self._n = n
        self._tap: Tap = tap or (lambda _, out: out.clone())

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Context in which the calls are recorded."""
        modules = self._model.modules
        held: dict[int, tuple[str, list[tuple[str, Weight]]]] = {}
        for weight in self._model.weights:
            for name, attribute in weight.owners:
                entry = held.setdefault(id(modules[name]), (name, []))
                if (attribute, weight) not in entry[1]:
                    entry[1].append((attribute, weight))
        handles = []
        try:
            for name, blocks in held.values():
                hook = partial(self._on_forward, name, blocks)
                handles.append(
                    modules[name].register_forward_hook(hook, prepend=True, with_kwargs=True)
                )
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _on_forward(
        self,
        name: str,
        blocks: list[tuple[str, Weight]],
        module: nn.Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        out: Any,
    ) -> Any:
        x = first_tensor(args, kwargs)
        layer = is_layer(module) and isinstance(out, Tensor) and x is not None
        macs = call_macs(module, x, out, self._n) if x is not None else 0
        self.calls.append(Call(name, module, self.mode.tick(), macs, layer))
        for attribute, weight in blocks:
            key = id(weight.parameter)
            self.times.setdefault(key, self.mode.clock)
            self.macs[key] = self.macs.get(key, 0) + tensor_macs(module, attribute, macs)
        if not layer or x is None:
            self.inputs.append(None)
            self.outputs.append(None)
            return out
        self.inputs.append(x.detach().clone())
        self.outputs.append(out)
        return self._tap(len(self.calls) - 1, out)

    def _on_relu(self, x: Tensor, out: Tensor) -> None:  # noqa: ARG002
        """Keep the code of a ReLU call, and whether the backward pass reaches it."""
        index = len(self.codes)
        self.codes.append((out.detach() > 0).flatten().unsqueeze(0))
        if out.requires_grad:
            reached = self.reached_codes  # not self: it holds the outputs, and so this graph
            out.register_hook(lambda _: reached.add(index))


def first_tensor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """The input of a layer: the first tensor it is called with."""
    return next((value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)), None)


def whole_batch_moments(conditions: Conditions) -> list[Moments] | None:
    """Statistics that `batch_fixed` holds constant; also validates the losses of the batch."""
    mode = conditions.mode(conditions.n)
    mode.record_moments = True
    with torch.no_grad(), mode:
        check_finite(conditions.losses(conditions.batch))
    return mode.moments if conditions.probe.norm == "batch_fixed" else None


def in_groups(conditions: Conditions) -> Iterator[list[Weight]]:
    """The blocks in groups whose per-sample gradients fit the budget, at least one a group."""
    group: list[Weight] = []
    used = 0
    for weight in conditions.model.weights:
        size = conditions.n * weight.parameter.numel() * weight.parameter.element_size()
        if group and used + size > conditions.work.byte_budget:
            yield group
            group, used = [], 0
        group.append(weight)
        used += size
    yield group
