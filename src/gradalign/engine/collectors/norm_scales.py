"""What one batch does to the running variances of batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine._conditions import Conditions
from gradalign.engine._observe import Watch
from gradalign.engine.collectors import _watch
from gradalign.errors import UnsupportedError

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class NormScales(Watch):
    """`norm_scales`, [K, 3], float64 on the CPU, a row a batch normalisation, as modules stand.

    Mean over channels of the running variance before the batch; the share of it that a forward pass
    in train mode keeps; what the batch adds. After it, that mean is the first number times the
    second plus the third. Variances are unbiased, over all that the layer sees, in every norm mode.
    A layer without running statistics keeps nothing and adds the variance itself.
    """

    def __init__(self, conditions: Conditions) -> None:
        modules = conditions.model.model.modules()
        self._layers = [module for module in modules if isinstance(module, BATCH_NORMS)]
        self._rows = {id(layer): _before(layer) for layer in self._layers}
        self._shares = {id(layer): _share(layer) for layer in self._layers}

    def attach(self, stack: ExitStack) -> None:
        """Look at the inputs of the normalisations."""
        for layer in self._layers:
            stack.callback(layer.register_forward_pre_hook(self._on_input).remove)

    def _on_input(self, layer: nn.Module, args: tuple[Any, ...]) -> None:
        x: Tensor = args[0]
        before, kept, added = self._rows[id(layer)]
        share = self._shares[id(layer)]
        added = added * (1 - share) + share * _variance(x)
        self._rows[id(layer)] = (before, kept * (1 - share), added)

    def result(self, answer: Any) -> Mapping[str, Tensor]:  # noqa: ARG002
        """The statistic."""
        rows = [self._rows[id(layer)] for layer in self._layers]
        return {"norm_scales": torch.tensor(rows, dtype=torch.float64).reshape(-1, 3)}


def _before(layer: Any) -> tuple[float, float, float]:
    running = layer.running_var
    return (0.0 if running is None else float(running.double().mean()), 1.0, 0.0)


def _share(layer: Any) -> float:
    """How much of the running variance one batch replaces.

    Raises:
        UnsupportedError: A layer that averages over all batches (momentum=None).
    """
    if layer.running_var is None:
        return 1.0
    if layer.momentum is None:
        raise UnsupportedError(
            "a batch normalisation averages over all batches (momentum=None): its running variance "
            "depends on how many came before"
        )
    return float(layer.momentum)


def _variance(x: Tensor) -> float:
    """Mean over channels of the unbiased variance over rows and positions."""
    flat = x.detach().double().movedim(1, 0).flatten(1)
    return float(flat.var(1).mean()) if flat.shape[1] > 1 else 0.0


_watch.register(["norm_scales"], "", NormScales)
