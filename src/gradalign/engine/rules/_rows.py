"""Per-sample weight gradients of a two-dimensional convolution, one kernel row at a time.

The input is unfolded along its width only (k copies instead of k * k), in rows interleaved by
vertical stride, so that the patch matrix of kernel row i is one contiguous shifted view of it; then
one batched matrix product a kernel row. This costs what the ordinary weight gradient of the whole
batch costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gradalign.engine._gradient import Tile, Workspace, blocks, even

if TYPE_CHECKING:
    from gradalign.engine.rules.convolution import Geometry


def tiles(x: Tensor, d: Tensor, geometry: Geometry, work: Workspace) -> Iterator[Tile]:
    """Tiles of the gradients of x [n, C, H, W] and d [n, R, h, w]."""
    rows = _KernelRows(x, d, geometry, work)
    whole_row = x.shape[0] * d.shape[1] * geometry.kernel[1] * rows.width
    if whole_row <= work.tile_numbers(x):
        return rows.by_samples()
    return rows.by_channels()


class _KernelRows:
    """Shapes and steps shared by the two orders of the loops.

    Letters: n samples, G groups, o output and c input channels a group, T positions.
    """

    def __init__(self, x: Tensor, d: Tensor, geometry: Geometry, work: Workspace) -> None:
        self.n, channels = x.shape[:2]
        self.height, self.out_width = d.shape[2:]
        self.positions = self.height * self.out_width
        self.groups = geometry.groups
        self.width = channels // self.groups  # c
        self.outputs = d.shape[1] // self.groups  # o
        self.geometry = geometry
        self.x = x.unflatten(1, (self.groups, self.width))  # [n, G, c, H, W]
        self.d = d.reshape(self.n * self.groups, self.outputs, self.positions)
        self.work = work
        self.lines = (
            self.height + (geometry.kernel[0] - 1) * geometry.dilation[0] // geometry.stride[0]
        )

    def by_samples(self) -> Iterator[Tile]:
        """For small weights: a few samples unfolded at a time, tiles of whole kernel rows."""
        kernel_height, kernel_width = self.geometry.kernel
        columns = kernel_width * self.width
        limit = self.work.tile_numbers(self.x)
        row_numbers = self.n * self.groups * self.outputs * columns
        per_tile = max(1, min(kernel_height, limit // row_numbers)) if self.groups == 1 else 1
        chunk = max(1, min(self.n, limit // (self.groups * columns * self._unfolded_length())))
        if chunk < self.n and self.groups == 1:
            per_tile = kernel_height  # unfold every sample once
        channels, outputs = slice(0, self.width), slice(0, self.outputs)
        unfolded = None
        for top in range(0, kernel_height, per_tile):
            kernel_rows = range(top, min(kernel_height, top + per_tile))
            shape = (self.n * self.groups, len(kernel_rows), self.outputs, columns)
            values = self.work.get("tile", shape, self.x)
            for samples in even(self.n, chunk):
                if unfolded is None or chunk < self.n:
                    unfolded = self._unfold(samples, channels)
                inside = slice(samples.start * self.groups, samples.stop * self.groups)
                for q, i in enumerate(kernel_rows):
                    patches = self._patches(unfolded, i).transpose(1, 2)
                    torch.bmm(self.d[inside], patches, out=values[inside, q])
            yield self._tile(values, kernel_rows, outputs, channels, None)

    def by_channels(self) -> Iterator[Tile]:
        """For large weights: some channels of all samples unfolded, part of a kernel row a tile."""
        kernel_height, kernel_width = self.geometry.kernel
        channel_bytes = (
            2
            * self.n
            * self.groups
            * kernel_width
            * self._unfolded_length()
            * self.x.element_size()
        )
        most = max(1, self.work.byte_budget // channel_bytes)
        limit = self.work.tile_numbers(self.x) // (self.n * self.groups)
        for channels in even(self.width, most):
            unfolded = self._unfold(slice(0, self.n), channels)
            columns = kernel_width * (channels.stop - channels.start)
            for i in range(kernel_height):
                patches = self._patches(unfolded, i)
                for outputs, part in blocks(self.outputs, columns, limit):
                    shape = (
                        self.n * self.groups,
                        outputs.stop - outputs.start,
                        part.stop - part.start,
                    )
                    values = self.work.get("tile", shape, self.x)
                    torch.bmm(self.d[:, outputs], patches[:, part].transpose(1, 2), out=values)
                    yield self._tile(values.unsqueeze(1), range(i, i + 1), outputs, channels, part)

    def _tile(
        self,
        values: Tensor,
        kernel_rows: range,
        outputs: slice,
        channels: slice,
        part: slice | None,
    ) -> Tile:
        """`values` [n G, q, o, columns] as a tile; columns count (kernel column, channel)."""
        device = values.device

        def rows() -> Tensor:
            group = torch.arange(self.groups, device=device)[:, None] * self.outputs
            return (group + torch.arange(outputs.start, outputs.stop, device=device)).flatten()

        def columns() -> Tensor:
            kernel_height, kernel_width = self.geometry.kernel
            width = channels.stop - channels.start
            index = torch.arange(kernel_width * width, device=device)[part or slice(None)]
            j, c = index // width, index % width + channels.start
            i = torch.arange(kernel_rows.start, kernel_rows.stop, device=device)[:, None]
            numbers: Tensor = (c * kernel_height + i) * kernel_width + j
            return numbers

        shape = (self.n, values.shape[1], -1, values.shape[-1])
        return Tile(values.view(shape), rows, columns)

    def _is_plain(self) -> bool:
        """A 1 x 1 convolution, whose patches are its input."""
        geometry = self.geometry
        return geometry.kernel == geometry.stride == (1, 1) and geometry.padding == (0, 0)

    def _unfolded_length(self) -> int:
        """Numbers a channel and kernel column."""
        return self.geometry.stride[0] * self.lines * self.out_width

    def _patches(self, unfolded: Tensor, i: int) -> Tensor:
        """[n G, columns, T] for kernel row i, a view."""
        if self._is_plain():
            return unfolded
        stride, offset = self.geometry.stride[0], i * self.geometry.dilation[0]
        start = (offset % stride * self.lines + offset // stride) * self.out_width
        return unfolded[:, :, start : start + self.positions]

    def _unfold(self, samples: slice, channels: slice) -> Tensor:
        """[n G, columns, lines]: (j, c, r, q, w) is x[c, q s + r - p, w s' + j d' - p'], or 0."""
        x: Tensor = self.x[samples, :, channels]  # [n, G, c, H, W]
        n, _, width = x.shape[:3]
        if self._is_plain():
            return x.reshape(n * self.groups, width, self.positions)
        kernel_width, stride = self.geometry.kernel[1], self.geometry.stride[0]
        shape = (n, self.groups, kernel_width, width, stride, self.lines, self.out_width)
        out = self.work.get("unfolded", shape, x)
        for j in range(kernel_width):
            for r in range(stride):
                self._fill(out[:, :, j, :, r], x, j, r)
        return out.view(n * self.groups, kernel_width * width, -1)

    def _fill(self, out: Tensor, x: Tensor, j: int, r: int) -> None:
        """One kernel column, one residue of rows: out [n, G, c, lines, w], x [n, G, c, H, W]."""
        geometry = self.geometry
        height, width = x.shape[3:]
        stride, side_stride = geometry.stride
        shift = j * geometry.dilation[1] - geometry.padding[1]
        left, right = span(width, self.out_width, side_stride, shift)
        top, bottom = span(height, self.lines, stride, r - geometry.padding[0])
        out[..., :top, :].zero_()
        out[..., bottom:, :].zero_()
        if top == bottom:
            return
        out = out[..., top:bottom, :]
        first = top * stride + r - geometry.padding[0]
        source = x[..., first : first + (bottom - top - 1) * stride + 1 : stride, :]
        if left < right:
            if geometry.stride == (1, 1) and self.out_width == width:
                _shift_rows(out, source, shift)
            else:
                begin = left * side_stride + shift
                end = (right - 1) * side_stride + shift + 1
                out[..., left:right].copy_(source[..., begin:end:side_stride])
        out[..., :left].zero_()
        out[..., max(left, right) :].zero_()


def _shift_rows(out: Tensor, source: Tensor, shift: int) -> None:
    """Copy whole maps shifted by `shift` columns; what wraps around is blanked by the caller."""
    to, values = out.flatten(-2), source.flatten(-2)
    length = values.shape[-1]
    if shift <= 0:
        to[..., -shift:].copy_(values[..., : length + shift])
    else:
        to[..., : length - shift].copy_(values[..., shift:])


def span(size: int, out: int, stride: int, offset: int) -> tuple[int, int]:
    """The outputs o in [low, high) with 0 <= o stride + offset < size."""
    low = min(out, max(0, -(offset // stride)))
    high = min(out, (size - 1 - offset) // stride + 1)
    return low, max(low, high)
