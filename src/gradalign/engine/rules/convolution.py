"""Convolutions and transposed convolutions of one to three dimensions.

The gradient of a convolution with respect to its weight correlates its input with its output
gradient; of a transposed one, its output gradient with its input, so one class serves both. Three
ways to it, chosen by shape: by kernel rows (`_rows`), by a grouped convolution with one group a
sample, and, for the Gram matrix alone, by inner products of positions where these are few.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradalign.engine._gradient import PerSampleGradient, Tile, Workspace, even
from gradalign.engine._symmetric import symmetric_product
from gradalign.engine.rules import _rows
from gradalign.engine.rules._base import RULES, Rule, Use
from gradalign.engine.rules._folded import Folded
from gradalign.engine.rules._ghost import SYMMETRIC_COST, GhostGradient
from gradalign.engine.rules.linear import OuterProduct

WIDE_MAP = 1024
"""Positions from which on few channels are better served by the grouped convolution."""

FEW_CHANNELS = 32


@dataclass(frozen=True)
class Geometry:
    """Of a convolution; every tuple has one entry a spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


class ConvolutionGradient(GhostGradient):
    """Gradients of a convolution's weight, R output by K = input channels a group times kernel.

    Args:
        x: What the kernel slides over, [n, C, *spatial].
        d: What the positions of the kernel are weighted by, [n, R, *positions].
        geometry: Of the convolution.
    """

    def __init__(self, x: Tensor, d: Tensor, geometry: Geometry) -> None:
        columns = x.shape[1] // geometry.groups * math.prod(geometry.kernel)
        super().__init__(x.shape[0], (d.shape[1], columns))
        self.row_step = d.shape[1] // geometry.groups if geometry.groups > 1 else 1
        self._x = x
        self._d = d
        self._geometry = geometry

    def tiles(self, work: Workspace) -> Iterator[Tile]:
        """As the base class says."""
        if self._grouped_is_better():
            return self._grouped_tiles(work)
        return _rows.tiles(self._x, self._d, self._geometry, work)

    def select(self, start: int, stop: int) -> ConvolutionGradient:
        """As the base class says; in whole groups."""
        geometry, x = self._geometry, self._x
        if geometry.groups > 1:
            first, last = start // self.row_step, stop // self.row_step
            width = x.shape[1] // geometry.groups
            x = x[:, first * width : last * width]
            geometry = replace(geometry, groups=last - first)
        return ConvolutionGradient(x, self._d[:, start:stop], geometry)

    def _grouped_is_better(self) -> bool:
        geometry = self._geometry
        if len(geometry.kernel) != 2:
            return True
        if geometry.kernel == (1, 1) and geometry.groups == 1:
            return False
        if geometry.groups == self._x.shape[1]:
            return True
        positions = self._d[0, 0].numel()
        strided = geometry.stride[0] > 1 and positions >= 64
        return self.shape[0] <= FEW_CHANNELS and (positions >= WIDE_MAP or strided)

    def _grouped_tiles(self, work: Workspace) -> Iterator[Tile]:
        """One convolution backward in which every sample is a group of its own."""
        rows, columns = self.shape
        row_bytes = 2 * self.n * columns * self._x.element_size() * self.row_step
        step = max(1, work.byte_budget // row_bytes) * self.row_step
        for part in even(rows // self.row_step, step // self.row_step):
            start, stop = part.start * self.row_step, part.stop * self.row_step
            values = self.select(start, stop)._grouped_gradient()
            values = values.view(self.n, stop - start, columns)
            yield Tile.block(values, slice(start, stop), slice(0, columns))

    def _grouped_gradient(self) -> Tensor:
        x, d, geometry = self._x, self._d, self._geometry
        shape = (x.shape[1] // geometry.groups, *geometry.kernel)
        weight = x.new_empty(()).expand(self.n * d.shape[1], *shape)  # only its shape is read
        _, gradient, _ = torch.ops.aten.convolution_backward(
            d.reshape(1, -1, *d.shape[2:]),
            x.reshape(1, -1, *x.shape[2:]),
            weight,
            None,
            geometry.stride,
            geometry.padding,
            geometry.dilation,
            False,
            [0] * len(geometry.kernel),
            self.n * geometry.groups,
            [False, True, False],
        )
        result: Tensor = gradient
        return result

    def _outputs(self) -> Tensor:
        return self._d.flatten(2).transpose(1, 2)

    def _products(self, beside: float, work: Workspace) -> Tensor | None:
        geometry, x = self._geometry, self._x
        if geometry.groups > 1 or len(geometry.kernel) != 2:
            return None
        rows, columns = self.shape
        positions, spatial = self._d[0, 0].numel(), x[0, 0].numel()
        largest = (self.n * max(positions, spatial)) ** 2 * 3 * x.element_size()
        if largest > work.byte_budget:
            return None
        unfold = positions**2 * SYMMETRIC_COST * columns
        shift = float("inf")
        if geometry.stride == (1, 1) and geometry.kernel != (1, 1):
            kernel = math.prod(geometry.kernel)
            shift = SYMMETRIC_COST * spatial**2 * x.shape[1] + positions**2 * 40 * kernel
        if rows * columns <= beside + min(unfold, shift):
            return None
        return self._shifted_products() if shift < unfold else self._unfolded_products()

    def _unfolded_products(self) -> Tensor:
        """The products as they are defined."""
        geometry = self._geometry
        patches = F.unfold(
            self._x, geometry.kernel, geometry.dilation, geometry.padding, geometry.stride
        )  # [n, K, T]
        return symmetric_product(patches.permute(2, 0, 1).reshape(-1, patches.shape[1]))

    def _shifted_products(self) -> Tensor:
        """The same for stride 1, as shifted sums of the products of single positions."""
        geometry, n = self._geometry, self.n
        height, width = self._x.shape[2:]
        out_height, out_width = self._d.shape[2:]
        flat = self._x.flatten(2).permute(2, 0, 1).reshape(height * width * n, -1)
        single = symmetric_product(flat).view(height, width, n, height, width, n)
        total = single.new_zeros(out_height, out_width, n, out_height, out_width, n)
        for i in range(geometry.kernel[0]):
            y = i * geometry.dilation[0] - geometry.padding[0]
            top, bottom = _rows.span(height, out_height, 1, y)
            for j in range(geometry.kernel[1]):
                x = j * geometry.dilation[1] - geometry.padding[1]
                left, right = _rows.span(width, out_width, 1, x)
                to = (slice(top, bottom), slice(left, right), slice(None))
                source = (slice(top + y, bottom + y), slice(left + x, right + x), slice(None))
                total[to + to] += single[source + source]
        return total.view(out_height * out_width * n, -1)


def _padded(module: Any, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """The input with padding other than equal zeros on both sides put in, and what is left."""
    nothing = (0,) * len(module.kernel_size)
    if module.padding_mode != "zeros":
        mode = module.padding_mode
        return F.pad(x, module._reversed_padding_repeated_twice, mode=mode), nothing
    if module.padding == "same":
        return F.pad(x, module._reversed_padding_repeated_twice), nothing
    if module.padding == "valid":
        return x, nothing
    return x, tuple(module.padding)


def _convolution(use: Use) -> PerSampleGradient:
    module = use.module
    spatial = len(module.kernel_size)
    if use.input.dim() != spatial + 2 or use.input.shape[0] % use.n:
        raise ValueError(
            f"a convolution over {tuple(use.input.shape)} has no axis of {use.n} samples"
        )
    rows = use.input.shape[0]
    if use.attribute == "bias":
        per_row = use.grad_output.flatten(2).sum(2)
        return OuterProduct(
            per_row.view(use.n, -1, per_row.shape[1]).sum(1), per_row.new_ones(use.n, 1)
        )
    transposed = isinstance(module, nn.modules.conv._ConvTransposeNd)
    if transposed:
        x, d, padding = use.grad_output, use.input, tuple(module.padding)
    else:
        x, padding = _padded(module, use.input)
        d = use.grad_output
    geometry = Geometry(module.kernel_size, module.stride, padding, module.dilation, module.groups)
    if spatial == 1:  # a map of height 1
        x, d = x.unsqueeze(2), d.unsqueeze(2)
        geometry = Geometry(
            (1, *geometry.kernel),
            (1, *geometry.stride),
            (0, *geometry.padding),
            (1, *geometry.dilation),
            geometry.groups,
        )
    gradient = ConvolutionGradient(x.contiguous(), d.contiguous(), geometry)
    return gradient if rows == use.n else Folded(gradient, use.n)


RULES.add(
    "convolution",
    Rule(
        modules=(nn.Conv1d, nn.Conv2d, nn.Conv3d),
        attributes=("weight", "bias"),
        gradient=_convolution,
        stock=("forward", "_conv_forward"),
    ),
)
RULES.add(
    "transposed_convolution",
    Rule(
        modules=(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
        attributes=("weight", "bias"),
        gradient=_convolution,
    ),
)
