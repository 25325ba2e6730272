"""What a collector is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gradalign._registry import Registry
from gradalign.batch import Batch
from gradalign.engine._loss import LossFunction, check_finite, sample_losses
from gradalign.engine._modes import PassMode
from gradalign.engine._prepare import Prepared
from gradalign.probe import Probe


@dataclass(frozen=True, kw_only=True)
class Collector:
    """One statistic that the pass over per-sample gradients does not give.

    Args:
        cost: What it costs, in words, for the docs.
        collect: From a prepared model to the statistic's value.
    """

    cost: str
    collect: Callable[[Prepared, Batch, Probe, LossFunction | None], object]


def total_loss(
    model: Prepared,
    batch: Batch,
    probe: Probe,
    loss_fn: LossFunction | None,
    *,
    twice: bool = False,
) -> Tensor:
    """Sum of the losses of the batch, ready to be differentiated, `twice` where that is said.

    In `norm=sample` every sample runs by itself: which rows of a folded axis belong to a sample is
    known to no one else.
    """
    parts = batch.split() if probe.norm == "sample" else [batch]
    losses = []
    for part in parts:
        with PassMode(probe.norm, len(part), model.names, twice=twice):
            losses.append(sample_losses(model.model, part, probe, loss_fn))
    return check_finite(torch.cat(losses)).sum()


COLLECTORS: Registry[Collector] = Registry("collector", "gradalign.engine.collectors")
