"""Correlations between samples of what enters each ReLU, forward and backward, layer by layer."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import check_finite
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.naive import differentiable
from gradalign.errors import UnsupportedError

LAYER_LISTS = ("cells", "layers", "block_list", "blocks")
"""Attributes under which a network keeps its layers, bottom to top; the first one found counts."""

NOISE = 16
"""Rounding errors of a sample below which its variation counts as none."""


def response_correlations(conditions: Conditions) -> Tensor:
    """[G + 1, n, n], float64 on the CPU, G the layers of the network; the last for what follows.

    Sums over the ReLU calls of a layer of absolute correlation matrices between samples: of what
    enters the ReLU, and of the gradient of the loss that leaves it backward. A matrix with a sample
    that does not vary is left out. ReLUs between or before layers are not counted. In front of a
    ReLU in place stands what comes out of it.

    Raises:
        UnsupportedError: A network whose layers cannot be told.
    """
    n = conditions.n
    layers = _layers(conditions.model.model)
    sums = torch.zeros(len(layers) + 1, n, n, dtype=torch.float64)
    place = _Place(layers)

    def on_relu(x: Tensor, out: Tensor) -> None:
        layer = place.now
        if layer is None or out.shape[0] != n:
            return
        sums[layer] += _absolute_correlations(x.detach())
        if out.requires_grad:
            passed = (out.detach() > 0) & (out.detach() == x.detach())
            out.register_hook(partial(_add, sums[layer], passed))

    with ExitStack() as stack:
        stack.enter_context(differentiable(conditions.model))
        place.watch(stack)
        with conditions.mode(n, on_relu=on_relu):
            loss = check_finite(conditions.losses(conditions.batch)).sum()
        if loss.requires_grad:
            torch.autograd.grad(loss, conditions.parameters, allow_unused=True)
    return sums


def _add(total: Tensor, passed: Tensor, grad: Tensor) -> None:
    """Add the correlations of the gradient behind a ReLU, which lets through what it `passed`."""
    total += _absolute_correlations(grad.detach() * passed)


def _absolute_correlations(responses: Tensor) -> Tensor:
    """|Correlations| between the rows of [n, ...], [n, n]; zeros where a row does not vary."""
    rows = responses.double().flatten(1)
    centred = rows - rows.mean(1, keepdim=True)
    norms = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
    noise = NOISE * torch.finfo(responses.dtype).eps * torch.linalg.vector_norm(rows, dim=1)
    if bool((norms[:, 0] <= noise).any()):
        return torch.zeros(len(rows), len(rows), dtype=torch.float64)
    unit = centred / norms
    correlations: Tensor = (unit @ unit.T).abs()
    return correlations.cpu()


def _layers(model: Any) -> list[nn.Module]:
    for name in LAYER_LISTS:
        found = getattr(model, name, None)
        if isinstance(found, (nn.ModuleList, nn.Sequential)) and len(found):
            return list(found)
    raise UnsupportedError(
        f"which layers lie over which cannot be told: the network has no list of modules named "
        f"{', '.join(LAYER_LISTS)}"
    )


class _Place:
    """Where a forward pass stands: the number of the layer, the count of layers behind the last."""

    def __init__(self, layers: list[nn.Module]) -> None:
        self.now: int | None = None
        self._layers = layers

    def watch(self, stack: ExitStack) -> None:
        """Follow the calls of the layers until `stack` is closed."""
        for number, layer in enumerate(self._layers):
            behind = number + 1 if number + 1 == len(self._layers) else None
            stack.callback(layer.register_forward_pre_hook(self._set(number)).remove)
            stack.callback(layer.register_forward_hook(self._set(behind)).remove)

    def _set(self, number: int | None) -> Any:
        def hook(*_: Any) -> None:
            self.now = number

        return hook


COLLECTORS.add(
    "response_correlations",
    Collector(cost="one forward and backward", collect=response_correlations),
)
