"""The networks whose regions are counted, thin enough to count, and what they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.data import InputSpec, open_source
from gradalign.spaces import get_space

Codes = NDArray[np.bool_]
Options = Mapping[str, Any]

CLASSES = 10

WHOLE: Mapping[str, Options] = {"nb101": {"stem_channels": 16}}
"""Options of the networks that see the batch, by space; the published ones where none is named."""

THIN: Mapping[str, Options] = {
    "nb201": {"channels": 4, "cells": 1},
    "nb101": {"stem_channels": 8, "modules": 1},
    "darts": {"channels": 4, "layers": 3},
    "macro": {"channels": 2},
}
"""Options of the networks whose regions are counted exactly."""

THINNEST: Mapping[str, Options] = {
    "nb201": {"channels": 1, "cells": 1},
    "nb101": {"stem_channels": 5, "modules": 1},
    "darts": {"channels": 1, "layers": 3},
    "macro": {"channels": 1},
}
"""Options nearest to the networks of TE-NAS: one channel, one cell. The output of a module of
NAS-Bench-101 joins up to five branches, so that it needs five channels."""

THIN_SHAPE = (3, 8, 8)
"""One input of a thin network."""

PROBE_SAMPLES = 3000
"""Random inputs of TE-NAS."""


@cache
def digits(samples: int, seed: int, shape: tuple[int, ...]) -> Batch:
    """A class-balanced draw of digits, standardised; labels are those of ten classes."""
    return open_source("digits").draw(samples, seed, InputSpec(num_classes=CLASSES, shape=shape))


def thin(space: str, arch: str, seed: int) -> nn.Module:
    """The thin network, normalised by the statistics of 16 digits, which it keeps.

    Without that its running statistics are those of no data at all.
    """
    model = get_space(space).build(
        arch, num_classes=CLASSES, input_size=THIN_SHAPE, seed=seed, **THIN.get(space, {})
    )
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
        if isinstance(module, nn.MaxPool2d):
            module.ceil_mode = False  # the same on maps of 8x8 and 4x4, and it can be counted
    model.train()
    with torch.no_grad():
        model(digits(16, seed, THIN_SHAPE).inputs)
    return model.eval()


def thinnest(space: str, arch: str, seed: int) -> tuple[nn.Module, Tensor]:
    """A network after TE-NAS, and its random inputs, normal, [3000, channels, 3, 3].

    Weights are drawn by Kaiming's rule with fan_in, as by the authors. Their network has no stem:
    the one of NAS-Bench-201, which keeps its width at one channel, is left out and its input has
    one channel; in other spaces the stem is needed, and the input has three.
    """
    options = THINNEST.get(space, {})
    channels = 1 if space == "nb201" else 3
    model = get_space(space).build(
        arch, num_classes=CLASSES, input_size=(channels, 3, 3), seed=seed, **options
    )
    if space == "nb201":
        model.stem = nn.Identity()
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
    return model, torch.randn(PROBE_SAMPLES, channels, 3, 3, generator=generator)


def codes(model: nn.Module, inputs: Tensor) -> Codes:
    """On which side of zero each ReLU unit is for each sample, [n, units], in the model's mode.

    Units on feature maps (four axes) alone count, as by TE-NAS, where there are any.
    """
    found: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, out: Tensor) -> None:
        found.append(out > 0)

    relus = [m for m in model.modules() if isinstance(m, (nn.ReLU, nn.ReLU6))]
    hooks = [module.register_forward_hook(keep) for module in relus]
    try:
        with torch.no_grad():
            model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    maps = [each for each in found if each.dim() == 4]
    chosen = maps or found
    if not chosen:
        return np.zeros((len(inputs), 0), dtype=bool)
    return torch.cat([each.flatten(1) for each in chosen], 1).numpy()


def distinct(own: Codes) -> int:
    """Number of distinct rows of [n, units]."""
    return len(np.unique(np.packbits(own, axis=1), axis=0)) if own.shape[1] else 1
