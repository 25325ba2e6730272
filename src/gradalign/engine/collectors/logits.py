"""What the network answers."""

from __future__ import annotations

import torch
from torch import Tensor

from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import call
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.collectors._outputs import first_output
from gradalign.errors import UnsupportedError


def logits(conditions: Conditions) -> Tensor:
    """[n, ...], float64 on the CPU: the output, its `.logits` where it has them.

    Raises:
        UnsupportedError: An output that holds no tensor with the samples on axis 0.
    """
    with torch.no_grad(), conditions.mode(conditions.n):
        answer = call(conditions.model.model, conditions.batch.inputs)
    found = first_output(getattr(answer, "logits", answer))
    if found is None or found.shape[0] != conditions.n:
        raise UnsupportedError(
            f"the model returns a {type(answer).__name__} without a tensor of {conditions.n} rows"
        )
    return found.double().cpu()


COLLECTORS.add("logits", Collector(cost="one forward", collect=logits))
