"""From a model's output to one number a sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gradalign.batch import Batch
from gradalign.errors import InputError, UndefinedScore, UnsupportedError
from gradalign.probe import Probe

LossFunction = Callable[[Any, Any], Tensor]
"""(output, targets) to one loss a sample, [n]."""


def call(model: Callable[..., Any], inputs: Any) -> Any:
    """The model's output: `model(x)`, `model(*x)` or `model(**x)`."""
    if isinstance(inputs, Mapping):
        return model(**inputs)
    if isinstance(inputs, (tuple, list)):
        return model(*inputs)
    return model(inputs)


def sample_losses(
    model: Callable[..., Any],
    batch: Batch,
    probe: Probe,
    loss_fn: LossFunction | None,
    *,
    validate: bool = True,
) -> Tensor:
    """What the probe differentiates, one number a sample, [n].

    Args:
        model: The model, or a function that calls it.
        batch: The samples.
        probe: The conditions.
        loss_fn: The user's loss; None: the default one.
        validate: Whether to look at the values of the labels, which torch.func cannot.

    Raises:
        InputError: An output that fits no loss, a scalar loss, labels out of range.
    """
    output = call(model, batch.inputs)
    n = len(batch)
    if probe.objective == "logit_sum":
        return output_matrix(output, n).sum(1)
    if loss_fn is None:
        losses = default_loss(_logits(output), batch.targets, validate=validate)
    else:
        losses = loss_fn(output, batch.targets)
    if not isinstance(losses, Tensor):
        raise InputError(f"the loss is a {type(losses).__name__}: return a tensor of {n} losses")
    if losses.shape != (n,):
        found = "a scalar" if losses.dim() == 0 else f"shape {tuple(losses.shape)}"
        raise InputError(
            f"the loss has {found}: return one loss a sample, shape ({n},), "
            "for example with reduction='none'"
        )
    return losses


def output_matrix(output: Any, n: int) -> Tensor:
    """A model's output for n samples as [n, outputs]: its `.logits` where it has them.

    Raises:
        UnsupportedError: An output that is no tensor with n samples on axis 0.
    """
    try:
        return _first_axis(_logits(output), n).reshape(n, -1)
    except InputError as error:  # a loss of the user's own may do with such an output
        raise UnsupportedError(f"no sum of outputs: {error}") from error


def default_loss(output: Any, targets: Any, *, validate: bool = True) -> Tensor:
    """Cross-entropy for integer targets, summed squared error for float ones, [n]."""
    if not isinstance(targets, Tensor):
        found = "no targets" if targets is None else f"targets of type {type(targets).__name__}"
        raise InputError(f"{found}: the default loss needs a tensor of targets, or give loss_fn")
    output = _first_axis(output, targets.shape[0])
    if targets.is_floating_point():
        if output.shape != targets.shape:
            raise InputError(
                f"the output has shape {tuple(output.shape)} and the float targets "
                f"{tuple(targets.shape)}: they must be equal, or give loss_fn"
            )
        squares: Tensor = (output - targets).square().reshape(len(targets), -1)
        return squares.sum(1)
    return _cross_entropy(output, targets, validate=validate)


def _cross_entropy(output: Tensor, targets: Tensor, *, validate: bool) -> Tensor:
    """Cross-entropy summed over a sample's positions; classes on axis 1, or on the last one."""
    if output.shape[:1] + output.shape[2:] == targets.shape and output.dim() > 1:
        logits = output
    elif output.shape[:-1] == targets.shape:
        logits = output.movedim(-1, 1)
    else:
        raise InputError(
            f"the output has shape {tuple(output.shape)} and the labels {tuple(targets.shape)}: "
            "cross-entropy needs [n, classes] and [n], or give loss_fn"
        )
    if validate:
        _check_labels(targets, logits.shape[1])
    losses = F.cross_entropy(logits, targets.long(), reduction="none")
    return losses.reshape(len(targets), -1).sum(1)


def _check_labels(targets: Tensor, classes: int) -> None:
    counted = targets[targets != -100]  # the label that cross-entropy leaves out
    if counted.numel() and not 0 <= int(counted.min()) <= int(counted.max()) < classes:
        wrong = int(counted.max()) if int(counted.max()) >= classes else int(counted.min())
        raise InputError(
            f"label {wrong} is out of range: the model has {classes} outputs, labels must be 0 to "
            f"{classes - 1}"
        )


def _logits(output: Any) -> Any:
    """The tensor to take a loss of: the output itself, or its `.logits` (Hugging Face)."""
    return getattr(output, "logits", output)


def _first_axis(output: Any, n: int) -> Tensor:
    if not isinstance(output, Tensor):
        raise InputError(
            f"the model returns a {type(output).__name__}: the default loss needs a tensor, or an "
            "object with .logits; give loss_fn(output, targets) that picks one"
        )
    if output.dim() == 0 or output.shape[0] != n or not output.is_floating_point():
        raise InputError(
            f"the model's output has shape {tuple(output.shape)} and type {output.dtype}: expected "
            f"floating-point numbers with {n} samples on axis 0"
        )
    return output


def check_finite(losses: Tensor) -> Tensor:
    """`losses`, or an error where one is not a number: its gradients would be none."""
    if not bool(torch.isfinite(losses).all()):
        raise UndefinedScore("a loss is NaN or infinite at initialization")
    return losses
