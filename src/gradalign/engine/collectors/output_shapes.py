"""How evenly the output of every module fills its directions, from singular values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gradalign.engine._conditions import Conditions
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.collectors._outputs import each_output, first_sample
from gradalign.errors import UndefinedScore
from gradalign.linalg import entropy

ACTIVATIONS = tuple(getattr(nn, name) for name in nn.modules.activation.__all__)
CHANNELS_FIRST = (nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d, nn.InstanceNorm1d, nn.GroupNorm)


def output_conditions(conditions: Conditions) -> Tensor:
    """[M], float64 on the CPU, M the calls of modules, containers and the network among them.

    Smallest over largest singular value of the first sample's output, its axis 1 against all later
    axes, not centred; 0 where it is zero.
    """
    found: list[float] = []

    def take(_module: nn.Module, out: Tensor) -> None:
        values = torch.linalg.svdvals(_finite(first_sample(out)))
        largest = float(values.amax()) if values.numel() else 0.0
        found.append(float(values.amin()) / largest if largest > 0 else 0.0)

    each_output(conditions, take)
    return torch.tensor(found, dtype=torch.float64)


def output_ranks(conditions: Conditions) -> Tensor:
    """[M], float64 on the CPU, M the calls of modules with a `weight` and of activations.

    Effective rank, exp of the entropy of the singular values scaled to sum 1, of the first rows of
    the output, as many as it has channels: rows are samples and positions, one sample after the
    other, a map column by column. Channels are axis 1 of a map and of what 1-d convolutions and
    norms put out, and the last axis otherwise. 0 where the output is zero.
    """
    found: list[float] = []
    first = False  # where the channels of a [n, a, b] output stand: as the last layer has them

    def take(module: nn.Module, out: Tensor) -> None:
        nonlocal first
        if hasattr(module, "weight"):
            first = isinstance(module, CHANNELS_FIRST)
        elif not isinstance(module, ACTIVATIONS):
            return
        by_map = out.dim() > 3 or (out.dim() == 3 and first)
        # The last axis of a map varies slowest: a map is read column by column.
        rows = out.transpose(1, -1) if by_map else out
        matrix = rows.reshape(-1, rows.shape[-1])[: rows.shape[-1]]
        values = torch.linalg.svdvals(_finite(matrix.double()))
        found.append(float(entropy(values).exp()) if float(values.sum()) > 0 else 0.0)

    each_output(conditions, take)
    return torch.tensor(found, dtype=torch.float64)


def _finite(matrix: Tensor) -> Tensor:
    """`matrix`, or an error where it holds what has no singular values."""
    if not bool(torch.isfinite(matrix).all()):
        raise UndefinedScore("an output of a module is NaN or infinite at initialization")
    return matrix


COLLECTORS.add(
    "output_conditions",
    Collector(cost="one forward, the singular values of a map a module", collect=output_conditions),
)
COLLECTORS.add(
    "output_ranks",
    Collector(cost="one forward, singular values of channels^2 a layer", collect=output_ranks),
)
