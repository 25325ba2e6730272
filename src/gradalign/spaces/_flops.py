"""FLOPs as published tables count them, each in its own way."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.spaces._base import Task

CONVOLUTION = nn.modules.conv._ConvNd
NORM = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
POOL = (nn.modules.pooling._AvgPoolNd, nn.modules.pooling._MaxPoolNd)


@dataclass(frozen=True, kw_only=True)
class Convention:
    """What a published count adds up.

    Args:
        multiply_add: What one multiply-add of a convolution or a linear layer counts.
        conv_bias: What adding a convolution's bias to one output counts.
        linear_bias: The same for a linear layer.
        norm: What normalising one element counts.
        relu: What one element of a ReLU's output counts.
        pool: What one value that a pooling reads counts, once for each output that reads it.
        adaptive_margin: Rows and columns that some tables count too many in the window of an
            adaptive pooling: a map pooled to one value counts (h + margin) (w + margin).
        adaptive_output: What one value that an adaptive pooling gives counts besides.
    """

    multiply_add: float = 1.0
    conv_bias: float = 0.0
    linear_bias: float = 0.0
    norm: float = 0.0
    relu: float = 0.0
    pool: float = 0.0
    adaptive_margin: int = 0
    adaptive_output: float = 0.0


def count_flops(build: Callable[[], nn.Module], task: Task, convention: Convention) -> float:
    """What one input costs by `convention`; built and run on the meta device, without memory.

    Args:
        build: Makes the network.
        task: Gives the shape of the input.
        convention: What counts.
    """
    total = 0.0

    def add(module: nn.Module, args: tuple[Any, ...], out: Tensor) -> None:
        nonlocal total
        total += _cost(module, args[0], out, convention)

    with torch.device("meta"), torch.no_grad():
        network = build()
        for module in network.modules():
            if not list(module.children()):
                module.register_forward_hook(add)
        network.eval()(torch.empty(1, *task.input_size))
    return total


def _cost(module: nn.Module, x: Tensor, out: Tensor, convention: Convention) -> float:
    """What one call of a module without children counts."""
    if isinstance(module, CONVOLUTION):
        each = module.weight.numel() // module.weight.shape[0]
        bias = convention.conv_bias if module.bias is not None else 0.0
        return out.numel() * (each * convention.multiply_add + bias)
    if isinstance(module, nn.Linear):
        bias = convention.linear_bias if module.bias is not None else 0.0
        return out.numel() * (module.in_features * convention.multiply_add + bias)
    if isinstance(module, NORM):
        return out.numel() * convention.norm
    if isinstance(module, (nn.ReLU, nn.ReLU6)):
        return out.numel() * convention.relu
    if isinstance(module, POOL):
        kernel: Any = module.kernel_size
        area = kernel**2 if isinstance(kernel, int) else math.prod(kernel)
        return float(out.numel() * area * convention.pool)
    if isinstance(module, nn.modules.pooling._AdaptiveAvgPoolNd):
        sides = zip(x.shape[2:], out.shape[2:], strict=True)
        window = math.prod(read // made + convention.adaptive_margin for read, made in sides)
        return out.numel() * (window * convention.pool + convention.adaptive_output)
    return 0.0
