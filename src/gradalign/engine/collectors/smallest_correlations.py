"""How far the channels of every module's output are from being copies of each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gradalign.engine._conditions import Conditions
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.collectors._outputs import each_output, first_sample

CHANNELS = 8
"""Channels that the cheaper form draws."""

NOISE = 16
"""Rounding errors of a channel below which its variation counts as none."""


def smallest_correlations(conditions: Conditions) -> Tensor:
    """[M], float64 on the CPU, M the calls of modules, containers and the network among them.

    Smallest eigenvalue of the correlation matrix of the channels of the first sample: those of the
    output's axis 1, whatever it holds, over all later axes. A channel that is constant has
    correlation 0, with itself too.
    """
    return _collected(conditions, None)


def sampled_correlations(conditions: Conditions) -> Tensor:
    """[M], float64 on the CPU: the same of 8 channels drawn at random, times channels / 8.

    Drawn without replacement, by a generator of its own that starts at torch's seed; all channels
    where there are fewer.
    """
    return _collected(conditions, torch.Generator().manual_seed(torch.initial_seed()))


def _collected(conditions: Conditions, draw: torch.Generator | None) -> Tensor:
    found: list[float] = []

    def take(_module: nn.Module, out: Tensor) -> None:
        rows = first_sample(out)
        channels, factor = rows.shape[0], 1.0
        if draw is not None and channels > CHANNELS:
            rows = rows[torch.randperm(channels, generator=draw)[:CHANNELS].to(rows.device)]
            factor = channels / CHANNELS
        found.append(factor * smallest_eigenvalue(rows))

    each_output(conditions, take)
    return torch.tensor(found, dtype=torch.float64)


def smallest_eigenvalue(rows: Tensor) -> float:
    """Of the correlation matrix of `rows`, [channels, positions]; constant rows count as zeros."""
    channels, positions = rows.shape
    if channels >= positions:  # centred rows span fewer directions than there are positions
        return 0.0
    centred = rows - rows.mean(1, keepdim=True)
    norms = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
    noise = (
        NOISE * torch.finfo(rows.dtype).eps * torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    )
    if not bool((norms > noise).all()):  # zeros in a row and its column: 0 is an eigenvalue
        return 0.0
    unit = centred / norms
    return max(0.0, float(torch.linalg.eigvalsh(unit @ unit.T)[0]))


COLLECTORS.add(
    "smallest_correlations",
    Collector(cost="one forward, an eigendecomposition a module", collect=smallest_correlations),
)
COLLECTORS.add(
    "sampled_correlations",
    Collector(
        cost="one forward, a small eigendecomposition a module", collect=sampled_correlations
    ),
)
