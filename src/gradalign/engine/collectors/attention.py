"""How much of its attention each head gives to one position."""

from __future__ import annotations

import torch
from torch import Tensor

from gradalign.batch import Batch
from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import call
from gradalign.engine._modes import PassMode
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.probe import NormMode


def attention_maxima(conditions: Conditions) -> Tensor:
    """[H], float64: mean over samples and targets of the largest weight, a head of a call.

    Attention is `scaled_dot_product_attention`, `nn.MultiheadAttention`, or a softmax over the last
    axis of a tensor of four: [n, heads, targets, sources].
    """
    if not _maxima(conditions, conditions.batch[0:1], "identity"):
        return torch.zeros(0, dtype=torch.float64)  # most networks: found on one sample
    return torch.cat(_maxima(conditions, conditions.batch, conditions.probe.norm)).cpu()


def _maxima(conditions: Conditions, batch: Batch, norm: NormMode) -> list[Tensor]:
    """[heads] for each attention of a forward pass."""
    found: list[Tensor] = []

    def take(weights: Tensor) -> None:
        if weights.dim() < 4:
            weights = weights.unsqueeze(-3)  # one head
        found.append(weights.double().amax(-1).flatten(0, -3).mean((0, 2)))

    mode = PassMode(norm, len(batch), conditions.model.names, on_attention=take)
    with torch.no_grad(), mode:
        call(conditions.model.model, batch.inputs)
    return found


COLLECTORS.add(
    "attention_maxima",
    Collector(cost="one forward", collect=attention_maxima),
)
