"""All counts of one architecture: sampled ones, and the exact one along lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from gradalign.errors import UndefinedScore
from gradalign.failure import Failure
from gradalign.regions import LineRegions, regions_on_line
from gradalign.studies._ledger import Json
from gradalign.studies._work import Task
from gradalign.studies.linear_regions.networks import (
    THIN_SHAPE,
    codes,
    digits,
    distinct,
    thin,
    thinnest,
)
from gradalign.sweep import Plan

SIZES = ("params", "macs", "layers")

BATCH = 16
"""Digits of the batch, 3x16x16."""

REPEATS = 3
"""Initialisations that TE-NAS's count is the mean of."""

LINES = 4
"""Lines between digits of two classes that are counted along."""

SHARE = 0.25
"""Part of each line, from its first digit on, that is counted along."""

MEANINGS: Mapping[str, str] = {
    "linear_regions": f"distinct codes of a batch of {BATCH} digits",
    "tenas_regions": "distinct codes of 3,000 random 3x3 inputs in the thinnest network (TE-NAS)",
    "swap": f"distinct patterns of the ReLU units over {BATCH} digits (SWAP)",
    "line_regions": "exact number of regions along lines between digits, in a thin network",
}
"""The counts, and what they count."""


def counted(task: Task) -> Json:
    """What the counts and sizes of an architecture are, or why there are none.

    Args:
        task: `space`, `arch`, `build` (options of the network that sees the batch), `counts` (which
            of them) and `seed` (of initialisation and batch).

    Returns:
        `values` by name, `reasons` of those without one, and `seconds`.
    """
    started = time.monotonic()
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    space, arch, seed = task["space"], task["arch"], task["seed"]
    own = tuple(name for name in ("linear_regions", "swap") if name in task["counts"])
    plan = Plan(
        proxies=(*own, *SIZES),
        batch_size=BATCH,
        input_size=(16,),
        build=tuple((name, str(value)) for name, value in task["build"].items()),
        device="cpu",
    )
    for score in plan.scorer().attempt(plan.candidate(f"{space}:{arch}"), seed):
        if score.value is None:
            reasons[score.proxy] = f"{score.status}: {score.reason}"
        else:
            values[score.proxy] = score.value
    for name, count in _OWN.items():
        if name in task["counts"]:
            try:
                values[name] = count(space, arch, seed)
            except Exception as error:  # noqa: BLE001 - one network must not stop the others
                failure = Failure.of(error)
                reasons[name] = f"{failure.status}: {failure.reason}"
    return {"values": values, "reasons": reasons, "seconds": time.monotonic() - started}


def tenas_regions(space: str, arch: str, seed: int) -> float:
    """Distinct codes of 3,000 random inputs in train mode, mean over the initialisations.

    Raises:
        UndefinedScore: There is no ReLU.
    """
    total = 0
    for repeat in range(REPEATS):
        own = codes(*thinnest(space, arch, REPEATS * seed + repeat))
        if not own.shape[1]:
            raise UndefinedScore("the network has no ReLU, so no activation code", "unsupported")
        total += distinct(own)
    return total / REPEATS


def line_regions(space: str, arch: str, seed: int) -> float:
    """Activation regions that a stretch of a line between two digits crosses, mean over lines."""
    model = thin(space, arch, seed)
    found = along_lines(model, digits(2 * LINES, seed, THIN_SHAPE).inputs, SHARE)
    return mean_regions(found)


def along_lines(model: nn.Module, images: Tensor, share: float = 1.0) -> list[LineRegions]:
    """The regions from each second image towards the next, over a share of the way.

    Args:
        model: A piecewise linear network.
        images: [2 lines, ...].
        share: In (0, 1].
    """
    return [
        regions_on_line(model, a, a + share * (b - a))
        for a, b in zip(images[::2], images[1::2], strict=True)
    ]


def mean_regions(found: Sequence[LineRegions]) -> float:
    """Mean number of activation regions of a line."""
    return sum(each.activation_regions for each in found) / len(found)


_OWN: Mapping[str, Callable[[str, str, int], float]] = {
    "tenas_regions": tenas_regions,
    "line_regions": line_regions,
}
