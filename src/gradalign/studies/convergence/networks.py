"""Which networks are trained, on what, and what is changed in them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.data import InputSpec, open_source
from gradalign.spaces import get_space
from gradalign.training import Recipe

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "nb201": {"channels": 8, "cells": 1},
    "mlp": {},
    "macro": {"channels": 4},
}
"""The spaces, and how small their networks are made."""

RECIPES: Mapping[str, Recipe] = {
    "nb201": Recipe(learning_rate=0.01),
    "mlp": Recipe(learning_rate=0.05),
    "macro": Recipe(learning_rate=0.005),
}
"""How they are trained: short enough that good and bad networks still differ."""

SHAPE = (3, 16, 16)
CLASSES = 10
TRAINING, TEST = 512, 1280
"""Samples that are learned, and that are kept for the test: all but five of the 1,797 digits."""

NEAR = 0.05
"""Standard deviation of what is added to the pixels of a near copy; theirs is 1."""


def draw(space: str, networks: int, seed: int) -> list[str]:
    """Architectures of a space, no two of which are the same network.

    Args:
        space: Its name.
        networks: How many.
        seed: Of the draw; a shorter draw is the beginning of a longer one.
    """
    own, rng = get_space(space), random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < networks:
        arch = own.sample(rng)
        found.setdefault(own.network_key(arch), own.format(arch))
    return list(found.values())


@cache
def digits() -> tuple[Batch, Batch]:
    """The training and the test samples: class-balanced, always the same."""
    drawn = open_source("digits").draw(
        TRAINING + TEST, 0, InputSpec(num_classes=CLASSES, shape=SHAPE)
    )
    return drawn[:TRAINING], drawn[TRAINING:]


def build(space: str, arch: str, seed: int) -> nn.Module:
    """The network, initialised by `seed`."""
    return get_space(space).build(
        arch, num_classes=CLASSES, input_size=SHAPE, seed=seed, **OPTIONS[space]
    )


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that is done to a network or to what it learns, and the state before it.

    Args:
        name: What it is.
        meaning: In a sentence.
        space: Of the networks.
        before: Their architectures in the state that the others are compared with.
        levels: The states, by name: the architecture that stands for each of `before` in it, and
            what else is done (a key of `DONE`).
        baseline: The state before.
    """

    name: str
    meaning: str
    space: str
    levels: Mapping[str, tuple[tuple[str, ...], str]]
    baseline: str


_SKIPPING = (
    "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "|nor_conv_1x1~0|+|skip_connect~0|nor_conv_3x3~1|+|skip_connect~0|skip_connect~1|nor_conv_1x1~2|",
)
_CHAINS = ("11111111", "12112112")
_STACKS = ("64-64-64", "32-64-32-16")

CHANGES = (
    Change(
        name="labels",
        meaning="half of the training images are copies of the other half with a little noise: "
        "with the label of the image they are copied from, or with another one",
        space="nb201",
        levels={"copies alike": (_SKIPPING, "alike"), "contradictory": (_SKIPPING, "contradict")},
        baseline="copies alike",
    ),
    Change(
        name="normalisation",
        meaning="batch normalisation is there, or taken out",
        space="macro",
        levels={"with": (_CHAINS, ""), "without": (_CHAINS, "no_norm")},
        baseline="with",
    ),
    Change(
        name="skip connections",
        meaning="the skip connections of the cells are there, or taken out",
        space="nb201",
        levels={
            "with": (_SKIPPING, ""),
            "without": (tuple(arch.replace("skip_connect", "none") for arch in _SKIPPING), ""),
        },
        baseline="with",
    ),
    Change(
        name="initial scale",
        meaning="all initial weights are multiplied by a factor, biases are as they were",
        space="mlp",
        levels={
            "1": (_STACKS, ""),
            "0.5": (_STACKS, "scale_0.5"),
            "2": (_STACKS, "scale_2"),
            "4": (_STACKS, "scale_4"),
        },
        baseline="1",
    ),
)


def changed(model: nn.Module, done: str) -> nn.Module:
    """The network after what is done to it; `alike` and `contradict` are done to the images."""
    if done == "no_norm":
        for module in list(model.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.modules.batchnorm._BatchNorm):
                    setattr(module, name, nn.Identity())
    elif done.startswith("scale_"):
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.mul_(float(done.removeprefix("scale_")))
    return model


def learned(done: str, seed: int) -> tuple[Batch, Tensor | None]:
    """The training samples, and which of them count for the loss that is reported.

    `alike` and `contradict` replace the second half by near copies of the first; the first half
    counts, so that the loss is of the same images with their right labels in both.
    """
    training, _ = digits()
    if done not in ("alike", "contradict"):
        return training, None
    half = TRAINING // 2
    generator = torch.Generator().manual_seed(seed)
    first = training.inputs[:half]
    copies = first + NEAR * torch.randn(first.shape, generator=generator)
    labels = training.targets[:half]
    if done == "contradict":
        shift = torch.randint(1, CLASSES, labels.shape, generator=generator)
        copied = (labels + shift) % CLASSES
    else:
        copied = labels
    mixed = Batch(torch.cat([first, copies]), torch.cat([labels, copied]))
    return mixed, torch.arange(TRAINING) < half
