"""The loss of each sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gradalign.engine._conditions import Conditions
from gradalign.engine._observe import Watch
from gradalign.engine.collectors import _watch


class Losses(Watch):
    """`losses`, [n], float64 on the CPU: what the probe differentiates."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions

    def result(self, answer: Any) -> Mapping[str, Tensor]:
        """The statistic."""
        losses = self._conditions.losses(self._conditions.batch, model=lambda *_, **__: answer)
        return {"losses": losses.detach().double().cpu()}


_watch.register(["losses"], "", Losses)
