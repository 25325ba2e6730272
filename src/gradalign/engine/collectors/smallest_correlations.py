"""How far the channels of every module's output are from being copies of each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine._conditions import Conditions
from gradalign.engine._observe import Watch
from gradalign.engine._outputs import first_sample
from gradalign.engine.collectors import _watch

ALL, SAMPLED = "smallest_correlations", "sampled_correlations"

CHANNELS = 8
"""Channels that the cheaper form draws."""

NOISE = 16
"""Rounding errors below which the variation of a channel, or an eigenvalue, counts as none."""


class SmallestCorrelations(Watch):
    """`smallest_correlations` and `sampled_correlations`, [M] each, float64 on the CPU.

    M are the calls of modules, containers and the network among them. The first: smallest
    eigenvalue of the correlation matrix of the channels of the first sample, those of the output's
    axis 1, whatever it holds, over all later axes. A channel that is constant has correlation 0,
    with itself too. The second: the same of 8 channels drawn at random, times channels / 8, drawn
    without replacement by a generator of its own that starts at torch's seed; all channels where
    there are fewer.
    """

    def __init__(self, conditions: Conditions) -> None:
        wanted = conditions.needs & {ALL, SAMPLED}
        self._found: dict[str, list[float]] = {name: [] for name in sorted(wanted)}
        self._last: tuple[Tensor, float] | None = None
        self._draw = torch.Generator().manual_seed(torch.initial_seed())

    def on_output(self, module: nn.Module, out: Tensor) -> None:  # noqa: ARG002
        """Take the channels of one output."""
        rows = first_sample(out)
        if ALL in self._found:
            if self._last is None or self._last[0] is not out:
                self._last = (out, smallest_eigenvalue(rows))
            self._found[ALL].append(self._last[1])
        if SAMPLED in self._found:
            chosen, factor = self._sampled(rows)
            self._found[SAMPLED].append(factor * smallest_eigenvalue(chosen))

    def _sampled(self, rows: Tensor) -> tuple[Tensor, float]:
        channels = rows.shape[0]
        if channels <= CHANNELS:
            return rows, 1.0
        drawn = torch.randperm(channels, generator=self._draw)[:CHANNELS]
        return rows[drawn.to(rows.device)], channels / CHANNELS

    def result(self, answer: Any) -> Mapping[str, Tensor]:  # noqa: ARG002
        """The statistics that are wanted."""
        return {k: torch.tensor(v, dtype=torch.float64) for k, v in self._found.items()}


def smallest_eigenvalue(rows: Tensor) -> float:
    """Of the correlation matrix of `rows`, [channels, positions]; constant rows count as zeros.

    What rounding makes of an eigenvalue of 0 is 0.
    """
    channels, positions = rows.shape
    if channels >= positions:  # centred rows span fewer directions than there are positions
        return 0.0
    centred = rows - rows.mean(1, keepdim=True)
    norms = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
    rounding = NOISE * torch.finfo(rows.dtype).eps
    noise = rounding * torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    if not bool((norms > noise).all()):  # zeros in a row and its column: 0 is an eigenvalue
        return 0.0
    unit = centred / norms
    smallest = float(torch.linalg.eigvalsh(unit @ unit.T)[0])
    return smallest if smallest > rounding * channels else 0.0  # the largest is up to `channels`


_watch.register([ALL, SAMPLED], "an eigendecomposition a module", SmallestCorrelations)
