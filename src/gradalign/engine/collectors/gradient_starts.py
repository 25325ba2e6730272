"""First entries of the gradient of the summed loss, for proxies that take very many batches."""

from __future__ import annotations

import torch
from torch import Tensor

from gradalign.engine._conditions import Conditions
from gradalign.engine.collectors._base import COLLECTORS, Collector, total_loss
from gradalign.engine.naive import differentiable, gradient

LENGTH = 50


def gradient_starts(conditions: Conditions) -> Tensor:
    """[B, 50]: of each of the B blocks that have 50 entries and get a gradient, in order."""
    parameters = conditions.parameters
    with differentiable(conditions.model):
        found = gradient(total_loss(conditions), parameters)
    starts = [g.detach().flatten()[:LENGTH].clone() for g in found if g is not None]
    long = [start for start in starts if len(start) == LENGTH]
    return torch.stack(long) if long else parameters[0].new_zeros(0, LENGTH)


COLLECTORS.add(
    "gradient_starts", Collector(cost="one forward and backward", collect=gradient_starts)
)
