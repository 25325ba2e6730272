"""The table that is searched: published accuracies beside scores from a store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from gradalign.benchmarks import BENCHMARKS
from gradalign.proxies import PROXIES
from gradalign.search.simulation import Table
from gradalign.spaces import get_space
from gradalign.store import Store
from gradalign.studies._work import Workshop
from gradalign.studies.search.strategies import SCORES
from gradalign.sweep import Plan, sweep

BENCHMARK = "nb201"

METRIC = "cifar10"

EPOCHS, IMAGES, SIDE = 200, 50_000, 32
"""Of the published trainings."""

SCORED_SIDE = 16
"""Height and width of the images that are scored: those of the digits."""

BATCH = 32


def networks(count: int | None) -> list[str]:
    """Architectures of the table, in its order; a count takes every n-th."""
    archs = BENCHMARKS[BENCHMARK].frame["arch"].tolist()
    return archs if count is None else archs[:: max(1, len(archs) // count)][:count]


def plan() -> Plan:
    """What is measured of every network, and how."""
    return Plan(proxies=SCORES, batch_size=BATCH, input_size=(3, SCORED_SIDE, SCORED_SIDE))


def score(archs: Sequence[str], store: Path, workshop: Workshop) -> None:
    """Measure what the store lacks of the scores of these networks."""
    models = [f"{BENCHMARK}:{arch}" for arch in archs]
    with Store.open(store) as opened:
        sweep(
            models,
            plan(),
            opened,
            workers=workshop.workers,
            progress=lambda now: workshop.tell("search: scores", now.done, len(models)),
        )


@lru_cache(maxsize=1)
def world(store: Path, count: int | None) -> Table:
    """The table with its scores.

    A training costs three forward passes for each of its images, a score as many for those of its
    batch, which are smaller: multiply-adds grow with the pixels. A network that could not be
    counted is left out.
    """
    with Store.read(store) as opened:
        frame = opened.frame()
    values = frame.pivot(index="model", columns="proxy", values="value")
    own = values.reindex([f"{BENCHMARK}:{arch}" for arch in networks(count)])
    own = own[own["macs"].notna()]  # what could not even be built has no price
    archs = [model.removeprefix(f"{BENCHMARK}:") for model in own.index]
    columns = {name: own[name].to_numpy(np.float64) for name in SCORES}
    scores = {
        name: column if PROXIES[name].better == "higher" else -column
        for name, column in columns.items()
    }
    return Table.priced(
        get_space(BENCHMARK),
        archs,
        BENCHMARKS[BENCHMARK].values(archs, METRIC),
        columns["macs"],
        scores,
        images=EPOCHS * IMAGES,
        batch=BATCH * SCORED_SIDE**2 / SIDE**2,
    )
