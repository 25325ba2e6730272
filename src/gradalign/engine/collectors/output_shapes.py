"""How evenly the output of every module fills its directions, from singular values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine._conditions import Conditions
from gradalign.engine._observe import Watch
from gradalign.engine._outputs import first_sample
from gradalign.engine.collectors import _watch
from gradalign.errors import UndefinedScore
from gradalign.linalg import entropy, for_lapack

ACTIVATIONS = tuple(getattr(nn, name) for name in nn.modules.activation.__all__)
CHANNELS_FIRST = (nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d, nn.InstanceNorm1d, nn.GroupNorm)


class OutputConditions(Watch):
    """`output_conditions`, [M], float64 on the CPU, M the calls of modules, containers too.

    Smallest over largest singular value of the first sample's output, its axis 1 against all later
    axes, not centred; 0 where it is zero.
    """

    def __init__(self, _conditions: Conditions) -> None:
        self._found: list[float] = []
        self._last: Tensor | None = None
        self._inverse_condition = 0.0

    def on_output(self, module: nn.Module, out: Tensor) -> None:  # noqa: ARG002
        """Take the singular values of one output."""
        if self._last is not out:
            values = torch.linalg.svdvals(_finite(first_sample(out)))
            largest = float(values.amax()) if values.numel() else 0.0
            self._inverse_condition = float(values.amin()) / largest if largest > 0 else 0.0
            self._last = out
        self._found.append(self._inverse_condition)

    def result(self, answer: Any) -> Mapping[str, Tensor]:  # noqa: ARG002
        """The statistic."""
        return {"output_conditions": torch.tensor(self._found, dtype=torch.float64)}


class OutputRanks(Watch):
    """`output_ranks`, [M], float64 on the CPU, M calls of modules with a `weight` and activations.

    Effective rank, exp of the entropy of the singular values scaled to sum 1, of the first rows of
    the output, as many as it has channels: rows are samples and positions, one sample after the
    other, a map column by column. Channels are axis 1 of a map and of what 1-d convolutions and
    norms put out, and the last axis otherwise. 0 where the output is zero.
    """

    def __init__(self, _conditions: Conditions) -> None:
        self._found: list[float] = []
        self._first = False  # where the channels of a [n, a, b] output stand: as the last layer's

    def on_output(self, module: nn.Module, out: Tensor) -> None:
        """Take the singular values of one output."""
        if hasattr(module, "weight"):
            self._first = isinstance(module, CHANNELS_FIRST)
        elif not isinstance(module, ACTIVATIONS):
            return
        by_map = out.dim() > 3 or (out.dim() == 3 and self._first)
        # The last axis of a map varies slowest: a map is read column by column.
        rows = out.transpose(1, -1) if by_map else out
        channels = rows.shape[-1]
        a_sample = max(1, math.prod(rows.shape[1:-1]))
        first = rows[: -(-channels // a_sample)]  # no more samples than are read
        matrix = first.reshape(-1, channels)[:channels]
        values = torch.linalg.svdvals(for_lapack(_finite(matrix))).double()
        self._found.append(float(entropy(values).exp()) if float(values.sum()) > 0 else 0.0)

    def result(self, answer: Any) -> Mapping[str, Tensor]:  # noqa: ARG002
        """The statistic."""
        return {"output_ranks": torch.tensor(self._found, dtype=torch.float64)}


def _finite(matrix: Tensor) -> Tensor:
    """`matrix`, or an error where it holds what has no singular values."""
    if not bool(torch.isfinite(matrix).all()):
        raise UndefinedScore("an output of a module is NaN or infinite at initialization")
    return matrix


_watch.register(["output_conditions"], "the singular values of a map a module", OutputConditions)
_watch.register(["output_ranks"], "singular values of channels^2 a layer", OutputRanks)
