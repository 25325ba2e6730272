"""The gradient of the sum of all outputs with respect to the inputs."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gradalign.batch import Batch, map_tensors
from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import check_finite
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.naive import gradient
from gradalign.errors import UnsupportedError

CANCELLATION = 64
"""Rounding errors of the gradients of single outputs below which that of their sum is none."""


def input_gradient(conditions: Conditions) -> Tensor:
    """[n, D], float64 on the CPU: row i is d(sum of all outputs of the batch) / d(input i).

    In `norm=batch` that holds what sample i does to the others through the statistics; where these
    cancel all of it, it is exactly 0.

    Raises:
        UnsupportedError: Inputs without a floating-point tensor, such as token ids.
    """
    conditions = replace(
        conditions, loss_fn=None, probe=conditions.probe.with_(objective="logit_sum")
    )
    batch = conditions.batch
    alone = conditions.probe.norm == "sample"
    rows = [_rows(conditions, part) for part in (batch.split() if alone else [batch])]
    return torch.cat(rows).double().cpu()


def _rows(conditions: Conditions, batch: Batch) -> Tensor:
    """The rows of the samples of `batch`, which run together."""
    leaves: list[Tensor] = []

    def leaf(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():
            return tensor
        leaves.append(tensor.detach().clone().requires_grad_())
        return leaves[-1].clone()  # a network may work in place on its input

    inputs = map_tensors(leaf, batch.inputs)
    if not leaves:
        raise UnsupportedError(
            "the inputs are whole numbers (token ids): there is no gradient with respect to them"
        )
    with conditions.mode(len(batch)):
        outputs = check_finite(conditions.losses(replace(batch, inputs=inputs)))
    coupled = conditions.probe.norm in ("batch", "batch_exact")
    rows = _gradient(outputs.sum(), leaves, keep=coupled)
    if coupled and bool(rows.norm() <= _noise(outputs, leaves)):
        return torch.zeros_like(rows)
    return rows


def _gradient(total: Tensor, leaves: list[Tensor], *, keep: bool = False) -> Tensor:
    """[n, D]: derivatives of `total` by all inputs of a sample, one after the other."""
    found = gradient(total, leaves, keep=keep)
    flat = [
        (torch.zeros_like(x) if g is None else g).reshape(len(x), -1)
        for g, x in zip(found, leaves, strict=True)
    ]
    return torch.cat(flat, 1)


def _noise(outputs: Tensor, leaves: list[Tensor]) -> Tensor:
    """Size of a gradient below which it is rounding.

    Where a normalisation of the batch comes right before global pooling, the sum of the outputs is
    a constant, and its gradient is what rounding leaves of the gradients of the single outputs. A
    sum with alternating signs does not cancel.
    """
    signs = torch.ones_like(outputs)
    signs[1::2] = -1
    scale = _gradient((signs * outputs).sum(), leaves).norm()
    noise: Tensor = CANCELLATION * torch.finfo(outputs.dtype).eps * scale
    return noise


COLLECTORS.add(
    "input_gradient",
    Collector(cost="one forward and backward; norm=batch: two backwards", collect=input_gradient),
)
