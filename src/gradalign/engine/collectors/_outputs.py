"""What the modules of a network put out in one forward pass, handed on as it appears.

Nothing is kept: a collector reads an output while the pass is there and stores a few numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import call

OnOutput = Callable[[nn.Module, Tensor], None]


def each_output(
    conditions: Conditions, on_output: OnOutput, *, within: TorchFunctionMode | None = None
) -> Any:
    """Run the network once, without gradients, and look at the output of every module call.

    Containers and the network itself are modules too; a module that is called twice is seen twice.

    Args:
        conditions: The model, its batch and its norm mode.
        on_output: Called with the module and the first tensor of its output, in the order in which
            the calls end.
        within: A further mode that sees the functions called.

    Returns:
        The network's output.
    """

    def hook(module: nn.Module, _args: Any, out: Any) -> None:
        tensor = first_output(out)
        if tensor is not None:
            on_output(module, tensor.detach())

    with ExitStack() as stack:
        for module in conditions.model.model.modules():
            stack.callback(module.register_forward_hook(hook).remove)
        stack.enter_context(torch.no_grad())
        stack.enter_context(conditions.mode(conditions.n))
        if within is not None:
            stack.enter_context(within)
        return call(conditions.model.model, conditions.batch.inputs)


def first_output(out: Any) -> Tensor | None:
    """The first floating-point tensor of what a module returns; None where there is none."""
    if isinstance(out, Tensor):
        return out if out.is_floating_point() and out.dim() else None
    parts: list[Any] = []
    if isinstance(out, Mapping):
        parts = list(out.values())
    elif isinstance(out, (tuple, list)):
        parts = list(out)
    return next((t for t in map(first_output, parts) if t is not None), None)


def first_sample(output: Tensor) -> Tensor:
    """The first entry of axis 0 as a matrix, its own first axis against all others, float64."""
    sample = output[0].double()
    return sample.reshape(sample.shape[0] if sample.dim() else 1, -1)
