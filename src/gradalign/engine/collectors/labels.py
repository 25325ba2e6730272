"""The class labels of the batch."""

from __future__ import annotations

from torch import Tensor

from gradalign.engine._conditions import Conditions
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.errors import UnsupportedError


def labels(conditions: Conditions) -> Tensor:
    """[n], int64 on the CPU.

    Raises:
        UnsupportedError: Targets that are no class labels.
    """
    targets = conditions.batch.targets
    if not isinstance(targets, Tensor) or targets.is_floating_point() or targets.dim() != 1:
        raise UnsupportedError("the targets are no class labels: one whole number a sample is due")
    return targets.detach().long().cpu()


COLLECTORS.add("labels", Collector(cost="", collect=labels))
