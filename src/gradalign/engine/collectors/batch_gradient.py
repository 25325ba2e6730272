"""The ordinary gradient of the summed loss."""

from __future__ import annotations

from torch import Tensor

from gradalign.engine._conditions import Conditions
from gradalign.engine.collectors._base import COLLECTORS, Collector, filled, total_loss
from gradalign.engine.naive import differentiable, gradient


def batch_gradient(conditions: Conditions) -> tuple[Tensor, ...]:
    """L tensors in the blocks' shapes, zeros where no gradient arrives."""
    parameters = conditions.parameters
    with differentiable(conditions.model):
        return filled(gradient(total_loss(conditions), parameters), parameters)


COLLECTORS.add("batch_gradient", Collector(cost="one forward and backward", collect=batch_gradient))
