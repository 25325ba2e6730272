"""What a collector is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradalign._registry import Registry
from gradalign.batch import Batch
from gradalign.engine._loss import LossFunction
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


COLLECTORS: Registry[Collector] = Registry("collector", "gradalign.engine.collectors")
