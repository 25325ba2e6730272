"""Which samples have the same input."""

from __future__ import annotations

from torch import Tensor

from gradalign.engine._conditions import Conditions
from gradalign.engine.collectors._base import COLLECTORS, Collector


def first_equal(conditions: Conditions) -> Tensor:
    """[n], int64 on the CPU."""
    return conditions.batch.first_equal()


COLLECTORS.add("first_equal", Collector(cost="", collect=first_equal))
