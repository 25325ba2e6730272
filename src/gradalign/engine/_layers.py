"""Weight layers: calls of modules that hold a block, their multiply-adds and their spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine._gradient import samples_first
from gradalign.engine._weights import Weight, channel_axis, is_transformers_conv1d
from gradalign.errors import UnsupportedError
from gradalign.linalg import for_lapack

NOISE = 16
"""Rounding errors of the mean square below which a variance counts as none."""


@dataclass
class Call:
    """One call of a module that holds a block.

    Args:
        name: Dotted name of the module.
        module: The module.
        time: Place in the order of the forward pass.
        macs: Multiply-adds of one sample.
        is_layer: Whether it counts as a weight layer (recurrent modules do not).
        reached: Whether a gradient arrives at its output.
        live: Whether that gradient is other than zero.
        input_spectrum: Eigenvalues and number of rows, where wanted.
        output_spectrum: The same of the gradient at its output.
        saliency: `output_saliency`, where wanted.
    """

    name: str
    module: nn.Module
    time: int
    macs: int
    is_layer: bool
    reached: bool = False
    live: bool = False
    input_spectrum: tuple[Tensor, int] | None = None
    output_spectrum: tuple[Tensor, int] | None = None
    saliency: Tensor | None = None


def is_layer(module: nn.Module) -> bool:
    """Whether a call of `module` is a weight layer, with an input and an output of its own."""
    return isinstance(module, (nn.modules.conv._ConvNd, nn.Linear, nn.Bilinear)) or (
        is_transformers_conv1d(module)
    )


def call_macs(module: Any, x: Tensor, out: Any, n: int) -> int:
    """Multiply-adds of one sample in a call of `module`, without bias."""
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        return x.numel() // n * (module.weight.numel() // module.weight.shape[0])
    if isinstance(module, nn.modules.conv._ConvNd):
        return int(out.numel() // n * (module.weight.numel() // module.weight.shape[0]))
    if isinstance(module, nn.Bilinear):
        return int(out.numel() // n * module.in1_features * module.in2_features)
    if isinstance(module, nn.Linear):
        return int(out.numel() // n * module.in_features)
    if is_transformers_conv1d(module):
        return int(out.numel() // n * module.weight.shape[0])
    if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        steps = x.numel() // (n * x.shape[-1])
        return steps * sum(
            parameter.numel()
            for name, parameter in module.named_parameters()
            if name.startswith("weight_")
        )
    return 0


def tensor_macs(module: nn.Module, attribute: str, macs: int) -> int:
    """Those multiply-adds of a call that go through one tensor of its module."""
    if not isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        return 0 if attribute == "bias" else macs
    sizes = {
        name: parameter.numel()
        for name, parameter in module.named_parameters()
        if name.startswith("weight_")
    }
    return macs * sizes.get(attribute, 0) // sum(sizes.values())


def layer_spectrum(x: Tensor, module: nn.Module) -> tuple[Tensor, int]:
    """`covariance_spectrum` along the channel axis of a weight layer."""
    return covariance_spectrum(x, channel_axis(module))


def output_saliency(call: Call, out: Tensor, grad: Tensor, n: int) -> Tensor:
    """How strongly the samples pull at the scale of each channel of a weight layer's output.

    Args:
        call: The call.
        out: Its output.
        grad: The gradient that arrives there.
        n: Number of samples behind both.

    Returns:
        [2], float64 on the CPU: the fields `channel_saliency` and `axis_saliency`, but for the sum
        over the n samples in place of their mean.
    """
    product = out * grad
    by_axis = _summed_but(product, 1)  # [n k, axis 1]
    axis = channel_axis(call.module) % product.dim()
    by_row = by_axis if axis == 1 else _summed_but(product, axis)  # [n k, C]
    try:
        by_channel = samples_first(by_row, n).sum(1)  # [n, C]
    except ValueError as error:
        raise UnsupportedError(f"layer {call.name!r}: {error}") from error
    weight: Any = call.module.weight
    fan = int(weight.numel()) // by_channel.shape[1]
    sums = [_square_sum(by_channel), _square_sum(by_axis) * n / len(by_axis)]
    return fan * torch.stack(sums).cpu()


def _summed_but(x: Tensor, axis: int) -> Tensor:
    """`x` summed over all axes but the first one and `axis`, which is not the first."""
    others = [k for k in range(1, x.dim()) if k != axis]
    return x.sum(others) if others else x


def _square_sum(x: Tensor) -> Tensor:
    """Sum of the squares, in float64."""
    total: Tensor = x.double().square().sum()
    return total


def saliency_by_block(calls: Sequence[Call], weights: Sequence[Weight], n: int) -> Tensor:
    """`channel_saliency` and `axis_saliency`, [2, L], float64, from the calls of n samples."""
    found = torch.zeros(2, len(weights), dtype=torch.float64)
    places = {id(weight.parameter): k for k, weight in enumerate(weights)}
    for call in calls:
        place = places.get(id(call.module._parameters.get("weight")))
        if call.saliency is not None and place is not None:
            found[:, place] += call.saliency / n
    return found


def covariance_spectrum(x: Tensor, axis: int) -> tuple[Tensor, int]:
    """Eigenvalues of the channel covariance, centred over all other axes.

    Args:
        x: Samples on axis 0, channels on `axis` (1 or -1).
        axis: The channel axis.

    Returns:
        The eigenvalues, [channels], on the CPU in float64, and the number of rows behind them.
    """
    by_map = axis == 1 and x.dim() > 2
    channels = x.shape[1 if by_map else -1]
    rows = x.numel() // channels
    if rows < channels:
        flat = x.movedim(axis, -1).reshape(rows, channels)
        return _spectrum_of_rows(flat), rows
    if by_map:
        second, total = _products_of_maps(x.flatten(2))
    else:
        flat = x.reshape(rows, channels)
        second, total = flat.T @ flat, flat.sum(0)
    mean = total / rows
    covariance = second / rows - torch.outer(mean, mean)
    noise = NOISE * torch.finfo(x.dtype).eps * second.trace() / rows
    return _eigenvalues(covariance, noise), rows


def _products_of_maps(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over samples and positions of the products of channels [C, C] and of channels [C].

    Args:
        maps: [n, C, T].
    """
    n, channels, positions = maps.shape
    if positions >= channels:
        second = maps.new_zeros(channels, channels).addbmm_(maps, maps.transpose(1, 2))
    else:
        flat = maps.transpose(0, 1).reshape(channels, n * positions)
        second = flat @ flat.T
    return second, maps.sum(2).sum(0)


def _spectrum_of_rows(flat: Tensor) -> Tensor:
    """Eigenvalues of the covariance of few rows of many channels, from the products of the rows.

    Args:
        flat: [rows, channels], fewer rows than channels.
    """
    rows, channels = flat.shape
    centred = flat - flat.mean(0)
    noise = NOISE * torch.finfo(flat.dtype).eps * torch.linalg.vector_norm(flat) ** 2 / rows
    values = _eigenvalues(centred @ centred.T / rows, noise)
    return torch.cat([values.new_zeros(channels - rows), values])


def _eigenvalues(covariance: Tensor, noise: Tensor) -> Tensor:
    """Eigenvalues, float64 on the CPU; zeros where the trace is no more than `noise`."""
    trace = covariance.trace()
    if bool(trace <= noise):  # constant but for rounding
        return torch.zeros(covariance.shape[0], dtype=torch.float64)
    if not bool(torch.isfinite(covariance).all()):
        return torch.full((covariance.shape[0],), float("nan"), dtype=torch.float64)
    # Scaled, as LAPACK has given NaN for a large matrix of rank 3 with entries of 1e-12.
    scaled = for_lapack(covariance / trace)
    values: Tensor = torch.linalg.eigvalsh(scaled).double() * trace.double()
    return values.cpu()
