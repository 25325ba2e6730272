"""How the output moves while the input runs along a circle."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import call
from gradalign.engine._norm import per_sample_differentiable
from gradalign.engine._outputs import first_output
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.errors import UnsupportedError


def curve_derivatives(conditions: Conditions) -> Tensor:
    """[2, outputs], float64 on the CPU: first and second derivative of the output along a circle.

    The input is x(t) = u cos t + w sin t, u and w orthonormal, drawn at random in the shape of one
    sample by a generator of its own that starts at torch's seed; derivatives are taken at t = 0, of
    a batch of this one input, whatever the batch at hand.

    Raises:
        UnsupportedError: Inputs that are no single tensor of numbers, or no tensor as output.
    """
    inputs = conditions.batch.inputs
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        raise UnsupportedError("a circle of inputs needs inputs that are one tensor of numbers")
    u, w = _plane(inputs[:1])
    t = torch.zeros((), dtype=inputs.dtype, device=inputs.device, requires_grad=True)
    # The fused kernels have no second derivative.
    with sdpa_kernel(SDPBackend.MATH), conditions.mode(1, per_sample=per_sample_differentiable):
        answer = call(conditions.model.model, u * t.cos() + w * t.sin())
        out = first_output(getattr(answer, "logits", answer))
        if out is None:
            raise UnsupportedError("the model returns no tensor to follow along a curve")
        first = _along(out.flatten(), t)
        second = _along(first, t)
    return torch.stack([first, second]).detach().double().cpu()


def _plane(like: Tensor) -> tuple[Tensor, Tensor]:
    """Two orthonormal inputs in the shape of `like`."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    drawn = torch.randn(like.numel(), 2, generator=generator, dtype=torch.float64)
    if like.numel() < 2:
        raise UnsupportedError("the inputs have one number each: there is no circle of them")
    basis = torch.linalg.svd(drawn, full_matrices=False).U.to(like)
    return basis[:, 0].reshape(like.shape), basis[:, 1].reshape(like.shape)


def _along(out: Tensor, t: Tensor) -> Tensor:
    """Derivative of every entry of `out`, [C], by `t`, in two backward passes for any C.

    <weights, d out / dt> is one backward pass; it is linear in the weights, so its gradient with
    respect to them is d out / dt.
    """
    weights = torch.zeros_like(out, requires_grad=True)
    if not out.requires_grad:
        return torch.zeros_like(out)
    (product,) = torch.autograd.grad(
        (out * weights).sum(), t, create_graph=True, materialize_grads=True
    )
    if not product.requires_grad:
        return torch.zeros_like(out)
    (derivative,) = torch.autograd.grad(product, weights, create_graph=True, materialize_grads=True)
    return derivative


COLLECTORS.add(
    "curve_derivatives",
    Collector(cost="one forward and four backwards of one sample", collect=curve_derivatives),
)
