"""What a collector is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradalign._registry import Registry
from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import check_finite
from gradalign.engine._norm import per_sample, per_sample_differentiable


@dataclass(frozen=True, kw_only=True)
class Collector:
    """One statistic that the pass over per-sample gradients does not give.

    Args:
        cost: What it costs, in words, for the docs; empty: nothing.
        collect: From the conditions to the statistic's value.
    """

    cost: str
    collect: Callable[[Conditions], object]


def total_loss(conditions: Conditions, *, twice: bool = False) -> Tensor:
    """Sum of the losses of the batch, ready to be differentiated, `twice` where that is said.

    In `norm=sample` every sample runs by itself: which rows of a folded axis belong to a sample is
    known to no one else.
    """
    batch = conditions.batch
    norm = per_sample_differentiable if twice else per_sample
    losses = []
    for part in batch.split() if conditions.probe.norm == "sample" else [batch]:
        with conditions.mode(len(part), per_sample=norm):
            losses.append(conditions.losses(part))
    return check_finite(torch.cat(losses)).sum()


def filled(gradients: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The gradients, detached, with zeros where no gradient arrives."""
    return tuple(
        torch.zeros_like(p) if g is None else g.detach()
        for p, g in zip(parameters, gradients, strict=True)
    )


COLLECTORS: Registry[Collector] = Registry("collector", "gradalign.engine.collectors")
