"""Hessian of the summed loss times its gradient, by differentiating twice."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from gradalign.batch import Batch
from gradalign.engine._loss import LossFunction
from gradalign.engine._prepare import Prepared
from gradalign.engine.collectors._base import COLLECTORS, Collector, total_loss
from gradalign.engine.naive import differentiable, gradient
from gradalign.errors import UnsupportedError
from gradalign.probe import Probe


def hessian_gradient(
    model: Prepared, batch: Batch, probe: Probe, loss_fn: LossFunction | None
) -> tuple[Tensor, ...]:
    """L tensors in the blocks' shapes: H g, gradient and Hessian of the summed loss."""
    parameters = [weight.parameter for weight in model.weights]
    with differentiable(model):
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
            loss = total_loss(model, batch, probe, loss_fn, twice=True)
        first = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
        known = [g for g in first if g is not None]
        product = torch.stack([(g * g.detach()).sum() for g in known]).sum()
        found = gradient(product, parameters)
    if product.requires_grad and all(g is None for g in found):
        raise UnsupportedError(
            "the model has an operation that can be differentiated only once: no second derivative"
        )
    return tuple(
        torch.zeros_like(p) if g is None else g.detach()
        for p, g in zip(parameters, found, strict=True)
    )


COLLECTORS.add(
    "hessian_gradient",
    Collector(cost="one forward and two backwards", collect=hessian_gradient),
)
