"""What a normalisation layer does in each norm mode, for tensors with the samples on axis 0.

The same code serves module and functional calls, all backends and all modes, so a mode means one
thing. Shapes: x is [rows, channels, *positions]; rows = n k, where k rows of one sample may have
been folded into axis 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gradalign.errors import UnsupportedError

CANCELLATION = 32
"""A gradient that a normalisation takes away all but this many rounding errors of is zero."""

POSITIONS = 16
"""Of a map, that are looked at first, to spare a look at all."""


def fixed(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Normalise by the statistics of the batch, held constant in the backward pass."""
    result: Tensor = _FixedNorm.apply(x, weight, bias, eps)  # type: ignore[no-untyped-call]
    return result


class _FixedNorm(torch.autograd.Function):
    """Batch norm whose backward is one multiplication."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> Tensor:
        mean, variance, out = _centred(x)
        invstd = (variance + eps).rsqrt()
        ctx.save_for_backward(x, weight, mean, invstd)
        out.mul_(_channels(invstd if weight is None else weight * invstd, x))
        if bias is not None and bool(bias.any()):  # at initialization there is seldom anything
            out.add_(_channels(bias, x))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, invstd = ctx.saved_tensors
        scale = invstd if weight is None else weight * invstd
        need_x, need_weight, need_bias, _ = ctx.needs_input_grad
        others = [axis for axis in range(grad.dim()) if axis != 1]
        d_x = grad * _channels(scale, grad) if need_x else None
        d_weight = d_bias = None
        if need_weight:
            d_weight = (grad * (x - _channels(mean, x)) * _channels(invstd, x)).sum(others)
        if need_bias:
            d_bias = grad.sum(others)
        return d_x, d_weight, d_bias, None


def batch_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel over rows and positions, shape [channels]."""
    return _centred(x)[:2]


def _centred(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and biased variance of each channel, and a new tensor, x less its mean.

    Passes over whole maps, which on a CPU are several times faster than batch norm's own.
    """
    rows, channels = x.shape[:2]
    count = x.numel() // channels
    maps = (rows, channels, -1)
    mean = x.reshape(maps).sum(2).sum(0) / count
    centred = (x - _channels(mean, x)).contiguous()
    norms = torch.linalg.vector_norm(centred.view(maps), dim=2)
    return mean, norms.square().sum(0) / count, centred


PerSample = Callable[[Tensor, int, Tensor | None, Tensor | None, float], Tensor]
"""From x, the number of samples, weight, bias and eps to every sample normalised by itself."""


def per_sample(x: Tensor, n: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Normalise every sample by its own statistics, with the gradient through them.

    Equals a loop over batches of one in train mode. Where the incoming gradient is one that
    normalisation takes away altogether (the same at every position), the outgoing one is exactly
    zero instead of rounding noise.
    """
    return _by_maps(_SampleNorm.apply, x, n, weight, bias, eps)


def per_sample_vmapped(
    x: Tensor, n: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """`per_sample` for a forward and backward pass under vmap."""

    def normalise(*args: Any) -> Tensor:
        out: Tensor = _VmappedSampleNorm.apply(*args)[0]  # type: ignore[no-untyped-call]
        return out

    return _by_maps(normalise, x, n, weight, bias, eps)


def _by_maps(
    normalise: Callable[..., Tensor],
    x: Tensor,
    n: int,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """What `normalise` makes of x, whose first two axes it reads as samples and channels."""
    rows, channels = x.shape[:2]
    folded = rows // n
    if folded == 1 and x.dim() > 2:
        trained = any(t is not None and t.requires_grad for t in (weight, bias))
        if not trained:  # the kernel can apply constants on its way
            return normalise(x, weight, bias, eps)
        return _affine(normalise(x, None, None, eps), weight, bias)
    moved = x.reshape(n, folded, channels, -1).transpose(1, 2)  # [n, channels, k, positions]
    out = normalise(moved.reshape(n, channels, -1), None, None, eps)
    return _affine(out.view(moved.shape).transpose(1, 2).reshape(x.shape), weight, bias)


def positions(x: Tensor, n: int) -> int:
    """Number of values a channel that one sample brings to its own statistics."""
    return x.numel() // (n * x.shape[1])


class _SampleNorm(torch.autograd.Function):
    """Group norm with as many groups as channels, and constant affine parameters.

    The native kernel is cheaper than batch norm itself. A cancelled gradient is set to zero here,
    at its source: behind it, noise is amplified layer by layer and can no longer be told apart.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> Tensor:
        out, mean, invstd = _group_norm(x, weight, bias, eps)
        ctx.save_for_backward(x, weight, mean, invstd)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, invstd = ctx.saved_tensors
        d_x = _group_norm_backward(grad, x, weight, mean, invstd)
        scale = _scale(weight, invstd)
        if not _all_heard(d_x, grad, scale):
            d_x.flatten(2).mul_(_heard(d_x, grad, scale))
        return d_x, None, None, None


class _VmappedSampleNorm(torch.autograd.Function):
    """`_SampleNorm` in a form that vmap can go through."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        return _group_norm(x, weight, bias, eps)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, weight, _, _ = inputs
        _, mean, invstd = output
        ctx.mark_non_differentiable(mean, invstd)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, weight, mean, invstd)

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        d_x: Tensor = _VmappedSampleNormBackward.apply(grad, *ctx.saved_tensors)  # type: ignore[no-untyped-call]
        return d_x, None, None, None


class _VmappedSampleNormBackward(torch.autograd.Function):
    """Backward of `_VmappedSampleNorm`, a function of its own so that vmap can go through it."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        grad: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, invstd: Tensor
    ) -> Tensor:
        d_x = _group_norm_backward(grad, x, weight, mean, invstd)
        heard = _heard(d_x, grad, _scale(weight, invstd))
        return (d_x.flatten(2) * heard).view_as(d_x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is differentiated twice here; see `per_sample_differentiable`."""


def _group_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Output, and mean and inverse deviation of each sample and channel."""
    rows, channels, positions = x.shape[0], x.shape[1], x[0, 0].numel()
    return torch.native_group_norm(
        x.contiguous(), weight, bias, rows, channels, positions, channels, eps
    )


def _group_norm_backward(
    grad: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, invstd: Tensor
) -> Tensor:
    """Gradient at x."""
    rows, channels, positions = x.shape[0], x.shape[1], x[0, 0].numel()
    d_x: Tensor = torch.ops.aten.native_group_norm_backward(
        grad.contiguous(),
        x.contiguous(),
        mean,
        invstd,
        weight,
        rows,
        channels,
        positions,
        channels,
        [True, False, False],
    )[0]
    return d_x


def _scale(weight: Tensor | None, invstd: Tensor) -> Tensor:
    """What a gradient is multiplied by where normalisation takes none of it away, [rows, C]."""
    return invstd if weight is None else invstd * weight.abs()


def _heard(d_x: Tensor, grad: Tensor, scale: Tensor) -> Tensor:
    """1 for each row and channel whose outgoing gradient is more than noise, [rows, C, 1]."""
    incoming = torch.linalg.vector_norm(grad.flatten(2), dim=2) * scale
    outgoing = torch.linalg.vector_norm(d_x.flatten(2), dim=2)
    noise = CANCELLATION * torch.finfo(d_x.dtype).eps * incoming
    heard: Tensor = outgoing > noise
    return heard.to(d_x.dtype).unsqueeze(2)


def _all_heard(d_x: Tensor, grad: Tensor, scale: Tensor) -> bool:
    """Whether few positions already show that nothing is taken away; False proves nothing.

    A gradient that is taken away is the same at every position, so a few stand for all. What goes
    on there has to exceed the noise by as many times as it falls short of what arrives.
    """
    incoming, outgoing = (
        torch.linalg.vector_norm(x.flatten(2)[:, :, :POSITIONS], dim=2) for x in (grad, d_x)
    )
    share = (CANCELLATION * torch.finfo(d_x.dtype).eps) ** 0.5
    return bool((outgoing >= share * incoming * scale).all())


def per_sample_differentiable(
    x: Tensor, n: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """`per_sample` in plain operations, for statistics that need a second derivative."""
    rows, channels = x.shape[:2]
    moved = x.reshape(n, rows // n, channels, -1).transpose(1, 2)  # [n, channels, k, positions]
    variance, mean = torch.var_mean(moved, (2, 3), correction=0, keepdim=True)
    normalised = (moved - mean) * torch.rsqrt(variance + eps)
    return _affine(normalised.transpose(1, 2).reshape(x.shape), weight, bias)


def frozen(
    x: Tensor,
    mean: Tensor | None,
    variance: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    name: str,
) -> Tensor:
    """Normalise by given statistics."""
    if mean is None or variance is None:
        raise UnsupportedError(
            f"norm mode 'frozen': {name} keeps no running statistics; choose another norm mode"
        )
    return by_moments(x, mean, variance, weight, bias, eps)


def by_moments(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """Normalise by constants, in plain operations.

    torch's own backward of batch norm is wrong on a CPU for one row whose gradient arrives with the
    channels last (seen in 2.13).
    """
    scale = (variance + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    out = (x - _channels(mean, x)) * _channels(scale, x)
    return out if bias is None else out + _channels(bias, x)


def _channels(vector: Tensor, like: Tensor) -> Tensor:
    """`vector` [channels] shaped to multiply `like` [rows, channels, *positions]."""
    return vector.view(1, -1, *[1] * (like.dim() - 2))


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    if weight is not None:
        x = x * _channels(weight, x)
    if bias is not None:
        x = x + _channels(bias, x)
    return x
