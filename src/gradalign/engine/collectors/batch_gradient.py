"""The ordinary gradient of the summed loss."""

from __future__ import annotations

import torch
from torch import Tensor

from gradalign.batch import Batch
from gradalign.engine._loss import LossFunction
from gradalign.engine._prepare import Prepared
from gradalign.engine.collectors._base import COLLECTORS, Collector, total_loss
from gradalign.engine.naive import differentiable, gradient
from gradalign.probe import Probe


def batch_gradient(
    model: Prepared, batch: Batch, probe: Probe, loss_fn: LossFunction | None
) -> tuple[Tensor, ...]:
    """L tensors in the blocks' shapes, zeros where no gradient arrives."""
    parameters = [weight.parameter for weight in model.weights]
    with differentiable(model):
        found = gradient(total_loss(model, batch, probe, loss_fn), parameters)
    return tuple(
        torch.zeros_like(p) if g is None else g.detach()
        for p, g in zip(parameters, found, strict=True)
    )


COLLECTORS.add("batch_gradient", Collector(cost="one forward and backward", collect=batch_gradient))
