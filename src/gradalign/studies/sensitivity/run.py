"""The study's measurements, from the draw of networks to the document."""

from __future__ import annotations

import random
from collections.abc import Sequence

from gradalign import __version__
from gradalign.benchmarks import Benchmark
from gradalign.comparison import drawn
from gradalign.spaces import get_space
from gradalign.studies._study import Document
from gradalign.studies._work import Workshop
from gradalign.studies.sensitivity.agreement import agreements
from gradalign.studies.sensitivity.analysis import analysed
from gradalign.studies.sensitivity.conditions import REFERENCE, Condition, plain_stacks, varied
from gradalign.studies.sensitivity.measuring import SCORES, measure, task_of
from gradalign.studies.sensitivity.results import Results
from gradalign.studies.sensitivity.variance import shares

NETWORKS = 40
"""Networks unless told otherwise: some ten minutes on two cores."""

STACKS = "mlp"
"""The space of networks without normalisation."""


def run(
    workshop: Workshop,
    benchmark: Benchmark,
    metric: str,
    *,
    networks: int = NETWORKS,
    seed: int = 0,
    images: str | None = None,
) -> Document:
    """Score networks under many conditions, and compare the orders.

    Args:
        workshop: Where the networks are scored.
        benchmark: Trained accuracies of networks of a space of images.
        metric: Which accuracy.
        networks: How many are drawn from it, and as many stacks of linear layers.
        seed: Of these draws, and of batch and initialisation in the reference.
        images: Data source of natural images with at most as many classes as the networks have
            outputs, such as `npz:FILE`; None: there are only digits and noise.

    Raises:
        InputError: Too few networks, a benchmark whose space is not known, or images that cannot
            be read.
    """
    models = drawn(benchmark, [metric], networks, seed)
    space = get_space(models[0].partition(":")[0])
    conditions = varied(seed, space.options, images)
    found = _measured(workshop, "sensitivity", models, conditions)
    stacks = _measured(workshop, "sensitivity: mlp", _stacks(networks, seed), plain_stacks(seed))
    return {
        "study": "sensitivity",
        "version": __version__,
        "conditions": _facts(benchmark, metric, networks, seed, images),
        "space": space.name,
        "metric": metric,
        "networks": models,
        **analysed(found, benchmark, metric, seed),
        "agreements": [
            *agreements(found, space.name, seed),
            *agreements(stacks, STACKS, seed),
        ],
        "shares": shares(found, seed),
        "values": {
            score: {key: found.values(score, key) for key in found.keys_of("images")}
            for score in SCORES
        },
    }


def _measured(
    workshop: Workshop, what: str, models: Sequence[str], conditions: Sequence[Condition]
) -> Results:
    tasks = [task_of(model, each.setting) for each in conditions for model in models]
    found = workshop.do(what, measure, tasks)
    rows = [found[k : k + len(models)] for k in range(0, len(found), len(models))]
    return Results(tuple(models), tuple(conditions), rows)


def _stacks(networks: int, seed: int) -> list[str]:
    """Different stacks of linear layers."""
    space, rng = get_space(STACKS), random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < networks:
        found[f"{STACKS}:{space.format(space.sample(rng))}"] = None
    return list(found)


def _facts(
    benchmark: Benchmark, metric: str, networks: int, seed: int, images: str | None
) -> dict[str, object]:
    """How it was made, as the page says it."""
    about = (benchmark.description, benchmark.source, f"licence: {benchmark.licence}")
    return {
        "networks": f"{networks:,} of the {len(benchmark):,} in {benchmark.name}",
        "accuracies": f"{metric}; {'; '.join(filter(None, about))}",
        REFERENCE: (
            "32 digits at 16x16, norm=batch_fixed, float32, the network in its published width "
            f"and depth in its own initialisation; seed {seed} for batch and initialisation"
        ),
        "natural_images": "none" if images is None else images.replace("\\", "/").split("/")[-1],
        "stacks": f"{networks:,} of the space {STACKS}",
        "seed": seed,
        "intervals": "95 %, bootstrap over networks; differences on common resamples",
        "seconds": "median over networks, one process with one thread each, CPU",
    }
