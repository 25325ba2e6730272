"""Per-sample gradients of one block, handed out piece by piece so that [n, P] never exists.

A rule makes a `PerSampleGradient` from a layer's input and output gradient; reducers read it. The
block is seen as the matrix `weight.flatten(1)`, R rows by K columns (a vector as R rows of one).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

TILE = 1 << 20
"""Numbers a tile: 4 MB in float32, so that every statistic is read while it is in cache."""


class Workspace:
    """Buffers that are reused from tile to tile and from layer to layer.

    Args:
        byte_budget: What the buffers of one layer may take.
    """

    def __init__(self, byte_budget: int) -> None:
        self.byte_budget = byte_budget
        self._buffers: dict[str, Tensor] = {}

    def get(self, name: str, shape: Sequence[int], like: Tensor) -> Tensor:
        """The buffer `name` in the given shape, with whatever it held before."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if (
            buffer is None
            or buffer.numel() < size
            or buffer.dtype != like.dtype
            or buffer.device != like.device
        ):
            self._buffers.pop(name, None)  # free the old one first
            buffer = self._buffers[name] = torch.empty(size, dtype=like.dtype, device=like.device)
        return buffer[:size].view(*shape)

    def tile_numbers(self, like: Tensor) -> int:
        """Numbers a tile may have, within the budget."""
        return max(1, min(TILE, self.byte_budget // (8 * like.element_size())))


@dataclass(frozen=True)
class Tile:
    """Per-sample gradients of some weights, for all n samples. The last reader may destroy it.

    Args:
        values: [n, q, r, k], contiguous: n samples, q groups of columns, r rows and k columns of
            the block.
        rows: Gives the r row numbers.
        columns: Gives the [q, k] column numbers.
    """

    values: Tensor
    rows: Callable[[], Tensor]
    columns: Callable[[], Tensor]

    @classmethod
    def block(cls, values: Tensor, rows: slice, columns: slice) -> Tile:
        """The gradients [n, r, k] of the rectangle of these rows and columns."""
        device = values.device
        return cls(
            values.unsqueeze(1),
            lambda: torch.arange(rows.start, rows.stop, device=device),
            lambda: torch.arange(columns.start, columns.stop, device=device)[None],
        )

    @property
    def flat(self) -> Tensor:
        """[n, q r k]."""
        return self.values.flatten(1)


class PerSampleGradient(ABC):
    """The gradients of n samples with respect to one block, through one use of it.

    Args:
        n: Number of samples.
        shape: (R, K), the block as a matrix.
    """

    row_step: int = 1
    """Rows can be selected only in multiples of this many."""

    def __init__(self, n: int, shape: tuple[int, int]) -> None:
        self.n = n
        self.shape = shape

    @abstractmethod
    def tiles(self, work: Workspace) -> Iterator[Tile]:
        """Every weight once, in tiles; a tile is valid until the next one is asked for."""

    @abstractmethod
    def select(self, start: int, stop: int) -> PerSampleGradient:
        """The rows from `start` to `stop`, numbered from 0."""

    def gram(self, work: Workspace) -> Tensor | None:  # noqa: ARG002
        """The Gram matrix [n, n] where there is a cheaper way to it than through the tiles."""
        return None

    def row_grams(self, work: Workspace) -> Tensor | None:  # noqa: ARG002
        """That of every row by itself, [R, n, n], where there is a cheaper way to it."""
        return None


class Dense(PerSampleGradient):
    """Gradients that lie in memory.

    Args:
        values: [n, R, K].
    """

    def __init__(self, values: Tensor) -> None:
        super().__init__(values.shape[0], (values.shape[1], values.shape[2]))
        self._values = values

    def tiles(self, work: Workspace) -> Iterator[Tile]:
        """As the base class says."""
        rows, columns = self.shape
        for r, c in blocks(rows, columns, work.tile_numbers(self._values) // self.n):
            piece = self._values[:, r, c]
            values = work.get("tile", piece.shape, piece).copy_(piece)
            yield Tile.block(values, r, c)

    def select(self, start: int, stop: int) -> Dense:
        """As the base class says."""
        return Dense(self._values[:, start:stop])


class Summed(PerSampleGradient):
    """The sum over several uses of one block, a slab of rows at a time.

    Args:
        uses: The gradients through each use.
    """

    def __init__(self, uses: Sequence[PerSampleGradient]) -> None:
        super().__init__(uses[0].n, uses[0].shape)
        self._uses = uses
        self.row_step = math.lcm(*(use.row_step for use in uses))

    def tiles(self, work: Workspace) -> Iterator[Tile]:
        """As the base class says."""
        rows, columns = self.shape
        like = None
        step = max(1, work.byte_budget // (16 * self.n * columns * self.row_step)) * self.row_step
        for start in range(0, rows, step):
            stop = min(rows, start + step)
            slab: Tensor | None = None
            for use in self._uses:
                for tile in use.select(start, stop).tiles(work):
                    if slab is None:
                        like = tile.values
                        slab = work.get("slab", (self.n, stop - start, columns), like).zero_()
                    for q, column in enumerate(tile.columns()):
                        slab[:, tile.rows()[:, None], column] += tile.values[:, q]
            if slab is not None:
                for tile in Dense(slab).tiles(work):
                    yield Tile(
                        tile.values,
                        partial(_shifted, tile.rows, start),
                        tile.columns,
                    )

    def select(self, start: int, stop: int) -> Summed:
        """As the base class says."""
        return Summed([use.select(start, stop) for use in self._uses])


def _shifted(rows: Callable[[], Tensor], start: int) -> Tensor:
    return rows() + start


def blocks(rows: int, columns: int, numbers: int) -> Iterator[tuple[slice, slice]]:
    """Near-square pieces of a matrix, of at most about `numbers` entries and near-equal size."""
    numbers = max(1, numbers)
    height = min(rows, max(1, math.isqrt(numbers)))
    width = min(columns, max(1, numbers // height))
    height = min(rows, max(1, numbers // width))
    for top in even(rows, height):
        for left in even(columns, width):
            yield top, left


def even(total: int, most: int) -> Iterator[slice]:
    """Slices of `range(total)` of at most `most` entries, as equal as can be."""
    count = -(-total // most)
    size = -(-total // count)
    for start in range(0, total, size):
        yield slice(start, min(total, start + size))


def samples_first(x: Tensor, n: int) -> Tensor:
    """`x` [n k, ...] as [n, k, ...].

    Raises:
        ValueError: Axis 0 does not hold the samples, one after the other.
    """
    if x.dim() == 0 or x.shape[0] % n:
        raise ValueError(f"axis 0 of a tensor of shape {tuple(x.shape)} does not hold {n} samples")
    rows: Tensor = x.unflatten(0, (n, x.shape[0] // n))
    return rows
