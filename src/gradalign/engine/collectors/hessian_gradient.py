"""Hessian of the summed loss times its gradient, by differentiating twice."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from gradalign.engine._conditions import Conditions
from gradalign.engine.collectors._base import COLLECTORS, Collector, filled, total_loss
from gradalign.engine.naive import differentiable, gradient
from gradalign.errors import UnsupportedError


def hessian_gradient(conditions: Conditions) -> tuple[Tensor, ...]:
    """L tensors in the blocks' shapes: H g, gradient and Hessian of the summed loss."""
    parameters = conditions.parameters
    with differentiable(conditions.model):
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
            loss = total_loss(conditions, twice=True)
        first = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
        known = [g for g in first if g is not None]
        product = torch.stack([(g * g.detach()).sum() for g in known]).sum()
        found = gradient(product, parameters)
    if product.requires_grad and all(g is None for g in found):
        raise UnsupportedError(
            "the model has an operation that can be differentiated only once: no second derivative"
        )
    return filled(found, parameters)


COLLECTORS.add(
    "hessian_gradient",
    Collector(cost="one forward and two backwards", collect=hessian_gradient),
)
