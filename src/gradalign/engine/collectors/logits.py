"""What the network answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gradalign.engine._conditions import Conditions
from gradalign.engine._observe import Watch
from gradalign.engine._outputs import first_output
from gradalign.engine.collectors import _watch
from gradalign.errors import UnsupportedError


class Logits(Watch):
    """`logits`, [n, ...], float64 on the CPU: the output, its `.logits` where it has them."""

    def __init__(self, conditions: Conditions) -> None:
        self._n = conditions.n

    def result(self, answer: Any) -> Mapping[str, Tensor]:
        """The statistic.

        Raises:
            UnsupportedError: An output that holds no tensor with the samples on axis 0.
        """
        found = first_output(getattr(answer, "logits", answer))
        if found is None or found.shape[0] != self._n:
            raise UnsupportedError(
                f"the model returns a {type(answer).__name__} without a tensor of {self._n} rows"
            )
        return {"logits": found.double().cpu()}


_watch.register(["logits"], "", Logits)
