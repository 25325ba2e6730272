"""The regions of small networks on squares, before and after training, as polygons."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.regions import PlaneRegions, regions_on_plane
from gradalign.studies._ledger import Json
from gradalign.studies._work import Task
from gradalign.studies.convergence.networks import digits
from gradalign.studies.linear_regions import training
from gradalign.training import Recipe, train

TOY_WIDTH = 16
TOY_SAMPLES = 400
TOY_RECIPE = Recipe(epochs=60, learning_rate=0.05)
TOY_CORNERS = ((-2.0, -2.0), (2.0, -2.0), (-2.0, 2.0))
"""Corners (0, 0), (1, 0) and (0, 1) of the square that is drawn."""

DIGITS_ARCH = "16-16"
"""The stack whose regions on the plane through three digits are drawn."""

DECIMALS = 4


def drawn(task: Task) -> Json:
    """One network before and after its training on the square of its task.

    Args:
        task: `picture` (`moons` or `digits`) and `seed`.

    Returns:
        `before` and `after`: `cells`, each with `corners` in coordinates of the square and the
        `label` that the network gives there; and `accuracy`, on the test samples in percent.
        `marks`: places of samples in the square with their labels.
    """
    moons = task["picture"] == "moons"
    return _moons(task["seed"]) if moons else _digits(task["seed"])


def _moons(seed: int) -> Json:
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(2, TOY_WIDTH),
        nn.ReLU(),
        nn.Linear(TOY_WIDTH, TOY_WIDTH),
        nn.ReLU(),
        nn.Linear(TOY_WIDTH, 2),
    )
    learned, test = moons(TOY_SAMPLES, seed), moons(TOY_SAMPLES, seed + 1)
    marks = [
        {
            "at": [round((float(x) + 2) / 4, DECIMALS), round((float(y) + 2) / 4, DECIMALS)],
            "label": k,
        }
        for (x, y), k in zip(learned.inputs[:100], learned.targets[:100].tolist(), strict=True)
    ]
    corners = torch.tensor(TOY_CORNERS)
    return {**_before_and_after(model, corners, learned, test, TOY_RECIPE, seed), "marks": marks}


def moons(samples: int, seed: int) -> Batch:
    """Two half circles that reach into each other, with noise: [samples, 2], labels 0 and 1."""
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % 2
    angle = np.pi * rng.random(samples)
    sign = 1 - 2 * labels
    points = np.stack([np.cos(angle) * sign + labels - 0.5, np.sin(angle) * sign + 0.25 * -sign], 1)
    points += 0.12 * rng.standard_normal(points.shape)
    return Batch(torch.from_numpy(points).float(), torch.from_numpy(labels))


def _digits(seed: int) -> Json:
    learned, test = digits()
    model = training.build(DIGITS_ARCH, seed)
    places = [[0, 0], [1, 0], [0, 1]]
    labels = test.targets[:3].tolist()
    marks = [{"at": at, "label": label} for at, label in zip(places, labels, strict=True)]
    recipe = training.RECIPE
    return {
        **_before_and_after(model, test.inputs[:3], learned, test, recipe, seed),
        "marks": marks,
    }


def _before_and_after(
    model: nn.Module, corners: Tensor, learned: Batch, test: Batch, recipe: Recipe, seed: int
) -> dict[str, Any]:
    before = _state(model, corners, _accuracy(model, test))
    result = train(model, learned, test, recipe, seed=seed)
    return {"before": before, "after": _state(model, corners, result.test_accuracy)}


def _accuracy(model: nn.Module, test: Batch) -> float:
    with torch.no_grad():
        right = model(test.inputs).argmax(1) == test.targets
    return 100 * float(right.float().mean())


def _state(model: nn.Module, corners: Tensor, accuracy: float) -> dict[str, Any]:
    found = regions_on_plane(model, *corners)
    labels = _labels(model, corners, found)
    cells = [
        {"corners": [[round(x, DECIMALS) for x in at] for at in cell.corners.tolist()], "label": k}
        for cell, k in zip(found.cells, labels, strict=True)
    ]
    return {"cells": cells, "accuracy": accuracy}


def _labels(model: nn.Module, corners: Tensor, found: PlaneRegions) -> list[int]:
    """What the network says in the middle of each region."""
    middles = torch.stack([cell.corners.mean(0) for cell in found.cells])  # [R, 2]
    sides = (corners[1:] - corners[:1]).double()
    points = corners[0].double() + torch.einsum("rk,k...->r...", middles, sides)
    with torch.no_grad():
        return [int(k) for k in model(points.float()).argmax(1)]
