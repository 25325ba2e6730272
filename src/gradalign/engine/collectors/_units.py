"""The units of a forward pass: outputs of ReLUs, of GELUs and SiLUs, and of weight layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from gradalign.batch import Batch
from gradalign.engine._conditions import Conditions
from gradalign.engine._layers import is_layer
from gradalign.engine._loss import call, check_finite
from gradalign.engine._modes import Moments, PassMode

Kind = Literal["relu", "gelu", "layer"]

Sink = Callable[[Kind, Tensor], None]
"""Takes the kind of units that a tensor holds, and the tensor, as it is made."""


def forward(
    conditions: Conditions, batch: Batch, sink: Sink, *, moments: list[Moments] | None = None
) -> None:
    """One forward pass of `batch` without gradients, its units handed to `sink`.

    Args:
        conditions: What it works under.
        batch: Some or all of the samples.
        sink: Where the units go.
        moments: Statistics that normalisation holds constant; None: those of `batch`.

    Raises:
        UndefinedScore: A loss is NaN or infinite.
    """
    norm = conditions.probe.norm
    with torch.no_grad():
        losses = _handing(
            conditions,
            PassMode(norm, len(batch), conditions.model.names, fixed_moments=moments),
            sink,
            lambda: conditions.losses(batch),
        )
    check_finite(losses)


def outline(conditions: Conditions) -> list[tuple[Kind, torch.Size]]:
    """Kind and shape of the units of one sample, in the order of the forward pass.

    Normalisation is left out: it changes no shape, and may have no statistics of one sample.
    """
    found: list[tuple[Kind, torch.Size]] = []
    with torch.no_grad():
        _handing(
            conditions,
            PassMode("identity", 1, conditions.model.names),
            lambda kind, out: found.append((kind, out.shape)),
            lambda: call(conditions.model.model, conditions.batch[0:1].inputs),
        )
    return found


def _handing(conditions: Conditions, mode: PassMode, sink: Sink, run: Callable[[], Any]) -> Any:
    """What `run` gives, its units handed to `sink`."""
    mode.on_relu = lambda _, out: sink("relu", out)
    mode.on_gelu = lambda _, out: sink("gelu", out)
    layers = {id(m): m for m in conditions.model.modules.values() if is_layer(m)}
    handles = [m.register_forward_hook(partial(_hand, sink)) for m in layers.values()]
    try:
        with mode:
            return run()
    finally:
        for handle in handles:
            handle.remove()


def _hand(sink: Sink, _module: object, _args: object, out: object) -> None:
    if isinstance(out, Tensor):
        sink("layer", out)
