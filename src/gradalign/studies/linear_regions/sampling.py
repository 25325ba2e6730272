"""How far counts of samples are from the exact count, on small networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradalign.regions import regions_on_line, regions_on_plane
from gradalign.spaces import get_space
from gradalign.studies._ledger import Json
from gradalign.studies._work import Task, Workshop
from gradalign.studies.linear_regions.networks import CLASSES, codes, digits, distinct

SHAPE = (3, 16, 16)

STACKS = ("8", "16-16", "32-32", "16-16-16-16", "64-64", "128-128")
"""Networks, as the space `mlp` spells them."""

MOST_ON_PLANE = 128
"""Units of the widest network whose regions on a square are counted."""

SAMPLES = (16, 64, 256, 1024, 4096, 16384)
"""Points drawn on the line and in the square."""

BATCHES = (16, 64, 256, 1024)
"""Digits of the batches."""


def sampled(task: Task) -> Json:
    """Exact and sampled counts of one stack of linear layers, newly initialised.

    Args:
        task: `arch` and `seed` (of initialisation, digits and points).

    Returns:
        `units`; `line` and, unless the network is too wide, `plane`: the `exact` number of
        regions between two digits, and on the square that three digits span, with the number of
        `codes` of as many random points as `SAMPLES` says. `batch`: `codes` and `patterns` (SWAP's,
        distinct columns) of as many digits as `BATCHES` says.
    """
    arch, seed = task["arch"], task["seed"]
    model = get_space("mlp").build(arch, input_size=SHAPE, num_classes=CLASSES, seed=seed)
    images = digits(max(BATCHES), seed, SHAPE).inputs
    units = sum(map(int, arch.split("-")))
    own = [codes(model, images[:n]) for n in BATCHES]
    found: dict[str, Any] = {
        "units": units,
        "line": {
            "exact": regions_on_line(model, images[0], images[1]).activation_regions,
            "codes": _codes_of_points(model, images[:2], seed),
        },
        "batch": {
            "codes": [distinct(each) for each in own],
            "patterns": [distinct(each.T) for each in own],
        },
    }
    if units <= MOST_ON_PLANE:
        exact = regions_on_plane(model, *images[:3]).activation_regions
        found["plane"] = {"exact": exact, "codes": _codes_of_points(model, images[:3], seed)}
    return found


def _codes_of_points(model: nn.Module, corners: Tensor, seed: int) -> list[int]:
    """Distinct codes of the first points of a random draw, as many as `SAMPLES` says.

    In double precision, as the exact count: regions are narrow.

    Args:
        model: The network.
        corners: [2, ...] ends of a line, or [3, ...] corners of a square, as `regions_on_plane`.
        seed: Of the points.
    """
    places = np.random.default_rng(seed).random((max(SAMPLES), len(corners) - 1))
    origin, sides = corners[0].double(), (corners[1:] - corners[:1]).double()
    points = origin + torch.einsum("pk,k...->p...", torch.from_numpy(places), sides)
    own = codes(model.double(), points)
    model.float()
    return [distinct(own[:m]) for m in SAMPLES]


def measured(workshop: Workshop, stacks: tuple[str, ...], seeds: int) -> list[dict[str, Any]]:
    """Every stack with every seed: what was asked and what came out, in one."""
    tasks = [{"arch": arch, "seed": seed} for arch in stacks for seed in range(seeds)]
    results = workshop.do("sampling", sampled, tasks)
    return [{**task, **result} for task, result in zip(tasks, results, strict=True)]
