"""Networks that are trained on digits, and changes that leave the regions or move them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from gradalign.spaces import get_space
from gradalign.studies._ledger import Json
from gradalign.studies._work import Task, Workshop
from gradalign.studies.convergence.networks import CLASSES, SHAPE, digits
from gradalign.studies.linear_regions.counting import along_lines, mean_regions
from gradalign.training import Recipe, train

LINES = 5
"""Lines between digits that are not learned, along whose whole length regions are counted."""

RECIPE = Recipe(learning_rate=0.05)

FAMILY = ("16", "16-16", "16-16-16", "16-16-16-16", "16-16-16-16-16", "16-16-16-16-16-16")
"""Stacks that grow deeper."""

CHANGED = ("64-64", "32-32-32")
"""Stacks that are changed before training."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that is done to the initial weights of a stack.

    Args:
        kind: `scale`, `balance` or `bias`: see `change`.
        factor: How much.
        meaning: In words.
    """

    kind: str
    factor: float
    meaning: str


Asked = tuple[str, Change | None]
"""A stack, and what is done to it."""

CHANGES = (
    *(
        Change(
            kind="scale",
            factor=factor,
            meaning=f"all weights times {factor:g}, biases so that the regions stay",
        )
        for factor in (0.25, 0.5, 2.0, 4.0)
    ),
    *(
        Change(
            kind="balance",
            factor=factor,
            meaning=f"first layer times {factor:g}, the next divided by it: the same function",
        )
        for factor in (0.1, 10.0)
    ),
    *(
        Change(kind="bias", factor=factor, meaning=f"hidden biases drawn between ±{factor:g}")
        for factor in (0.0, 0.3, 1.0)
    ),
)


def trained(task: Task) -> Json:
    """Count the regions of a stack, train it, and count them again.

    Args:
        task: `arch`, `seed` (of initialisation and order), `kind` (of change; empty: none),
            `factor` and `recipe`.

    Returns:
        `before` and `after`, mean number of activation regions of a line between two test digits;
        `accuracy` on the test digits in percent; `diverged`. `after` is None where it diverged.
    """
    learned, test = digits()
    model = changed(build(task["arch"], task["seed"]), task["kind"], task["factor"], task["seed"])
    ends = test.inputs[: 2 * LINES]
    before = mean_regions(along_lines(model, ends))
    result = train(model, learned, test, Recipe(**task["recipe"]), seed=task["seed"])
    return {
        "before": before,
        "after": None if result.diverged else mean_regions(along_lines(model, ends)),
        "accuracy": result.test_accuracy,
        "diverged": result.diverged,
    }


def build(arch: str, seed: int) -> nn.Module:
    """A stack for digits, initialised by `seed`."""
    return get_space("mlp").build(arch, num_classes=CLASSES, input_size=SHAPE, seed=seed)


def changed(model: nn.Module, kind: str, factor: float, seed: int) -> nn.Module:
    """The stack after a change of its initial weights, in place.

    `scale`: the weights of layer k = 1, 2, ... are multiplied by c and its biases by c^k. Its units
    are those of before times c^k, so every region stays and the output is multiplied by c^depth.
    `balance`: the first layer is multiplied by c, the weights of the second are divided by c: the
    same regions and the same function. `bias`: hidden biases are drawn uniformly from [-c, c]; the
    regions move, the weights stay.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        if kind == "scale":
            for depth, layer in enumerate(layers, start=1):
                layer.weight.mul_(factor)
                layer.bias.mul_(factor**depth)
        elif kind == "balance":
            layers[0].weight.mul_(factor)
            layers[0].bias.mul_(factor)
            layers[1].weight.div_(factor)
        elif kind == "bias":
            for layer in layers[:-1]:
                layer.bias.copy_(
                    factor * (2 * torch.rand(len(layer.bias), generator=generator) - 1)
                )
    return model


def drawn_stacks(networks: int, seed: int) -> list[str]:
    """Stacks of the space `mlp`, no two alike, each depth as likely."""
    space, rng = get_space("mlp"), random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < networks:
        arch = "-".join(str(rng.choice((8, 16, 32, 64, 128))) for _ in range(rng.randint(1, 6)))
        found[space.format(space.parse(arch))] = None
    return list(found)


def trainings(
    workshop: Workshop, asked: Sequence[Asked], seeds: Sequence[int]
) -> dict[Asked, list[Json]]:
    """The results of every stack and change, in the order of the seeds."""
    named = [(each, seed) for each in asked for seed in seeds]
    tasks = [_task(arch, seed, change) for (arch, change), seed in named]
    found: dict[Asked, list[Json]] = {each: [] for each in asked}
    for (each, _), result in zip(
        named, workshop.do("training stacks", trained, tasks), strict=True
    ):
        found[each].append(result)
    return found


def _task(arch: str, seed: int, change: Change | None) -> Mapping[str, Any]:
    kind, factor = ("", 1.0) if change is None else (change.kind, change.factor)
    return {"arch": arch, "seed": seed, "kind": kind, "factor": factor, "recipe": asdict(RECIPE)}
