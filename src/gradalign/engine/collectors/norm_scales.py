"""What one batch does to the running variances of batch normalisation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import call
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.errors import UnsupportedError

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def norm_scales(conditions: Conditions) -> Tensor:
    """[K, 3], float64 on the CPU, a row for each batch normalisation in the order of the modules.

    Mean over channels of the running variance before the batch; the share of it that a forward pass
    in train mode keeps; what the batch adds. After it, that mean is the first number times the
    second plus the third. Variances are unbiased, over all that the layer sees, in every norm mode.
    A layer without running statistics keeps nothing and adds the variance itself.

    Raises:
        UnsupportedError: A layer that averages over all batches (momentum=None).
    """
    layers = [m for m in conditions.model.model.modules() if isinstance(m, BATCH_NORMS)]
    rows = {id(layer): _before(layer) for layer in layers}

    def hook(layer: nn.Module, args: tuple[Any, ...]) -> None:
        x: Tensor = args[0]
        before, kept, added = rows[id(layer)]
        share = _share(layer)
        rows[id(layer)] = (before, kept * (1 - share), added * (1 - share) + share * _variance(x))

    handles = [layer.register_forward_pre_hook(hook) for layer in layers]
    try:
        with torch.no_grad(), conditions.mode(conditions.n):
            call(conditions.model.model, conditions.batch.inputs)
    finally:
        for handle in handles:
            handle.remove()
    return torch.tensor([rows[id(layer)] for layer in layers], dtype=torch.float64).reshape(-1, 3)


def _before(layer: Any) -> tuple[float, float, float]:
    running = layer.running_var
    return (0.0 if running is None else float(running.double().mean()), 1.0, 0.0)


def _share(layer: Any) -> float:
    """How much of the running variance one batch replaces."""
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


COLLECTORS.add("norm_scales", Collector(cost="one forward", collect=norm_scales))
