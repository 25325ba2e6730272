"""The parts of a network that statistics are about."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Block:
    """One effective weight tensor.

    Args:
        name: Dotted name in the model, of the first module that uses it.
        shape: Shape of the tensor.
        macs: Multiply-adds of one sample through this block, summed over its uses.
    """

    name: str
    shape: tuple[int, ...]
    macs: int

    @property
    def size(self) -> int:
        """Number of weights."""
        return int(torch.Size(self.shape).numel())


@dataclass(frozen=True)
class Layer:
    """One call of a module that holds a block, whose output receives a gradient.

    Args:
        name: Dotted name of the module.
        macs: Multiply-adds of one sample in this call.
        live: Whether the gradient at its output is other than zero for some sample.
        input_spectrum: Eigenvalues of the channel covariance of its input, shape [channels].
        input_positions: Rows behind that covariance, n times positions.
        output_spectrum: The same of the gradient that arrives at its output, shape [channels].
        output_positions: Rows behind that covariance.
    """

    name: str
    macs: int
    live: bool
    input_spectrum: Tensor | None = None
    input_positions: int = 0
    output_spectrum: Tensor | None = None
    output_positions: int = 0
