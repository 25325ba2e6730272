"""From counts and trainings to the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradalign import __version__
from gradalign.benchmarks import Benchmark
from gradalign.errors import InputError
from gradalign.studies._study import Document
from gradalign.studies._work import Workshop
from gradalign.studies.convergence import networks as learned
from gradalign.studies.linear_regions import sampling, training
from gradalign.studies.linear_regions.analysis import analysed
from gradalign.studies.linear_regions.counting import (
    BATCH,
    LINES,
    MEANINGS,
    REPEATS,
    SHARE,
)
from gradalign.studies.linear_regions.drawing import drawn as pictured
from gradalign.studies.linear_regions.networks import THIN, THINNEST
from gradalign.studies.linear_regions.searching import counted_networks, searched
from gradalign.studies.linear_regions.stacks import trained_stacks
from gradalign.studies.linear_regions.verdicts import TEST

FEWEST_NETWORKS, FEWEST_SEEDS = 20, 2

PICTURES = ("moons", "digits")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How large the study is.

    Args:
        networks: Of each benchmark; all of a smaller one.
        stacks: Stacks of linear layers among which a counter-example is searched by training.
        seeds: Trainings of each stack, and initialisations of each stack that is sampled.
        seed: Of the draws of networks and stacks, of the batch and the resamples.

    Raises:
        InputError: Too few networks or seeds to say anything.
    """

    networks: int = 120
    stacks: int = 24
    seeds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.networks < FEWEST_NETWORKS or min(self.seeds, self.stacks) < FEWEST_SEEDS:
            raise InputError(
                f"{self.networks} networks, {self.stacks} stacks and {self.seeds} seeds: take at "
                f"least {FEWEST_NETWORKS}, {FEWEST_SEEDS} and {FEWEST_SEEDS}"
            )


def run(
    workshop: Workshop, benchmarks: Sequence[tuple[Benchmark, str]], options: Options
) -> Document:
    """Count, train and judge.

    Args:
        workshop: Where it is done.
        benchmarks: Tables of accuracies, and which accuracy of each.
        options: How large.
    """
    drawings = [{"picture": name, "seed": options.seed} for name in PICTURES]
    found = [_benchmark(workshop, table, metric, options) for table, metric in benchmarks]
    return {
        "study": "linear-regions",
        "version": __version__,
        "conditions": _conditions(benchmarks, options),
        "counts": dict(MEANINGS),
        "verdicts": [each for own in found for each in own.pop("verdicts")],
        "benchmarks": found,
        "sampling": sampling.measured(workshop, sampling.STACKS, options.seeds),
        "trained": trained_stacks(workshop, options.stacks, options.seeds, options.seed),
        "pictures": dict(zip(PICTURES, workshop.do("drawing", pictured, drawings), strict=True)),
    }


def _conditions(
    benchmarks: Sequence[tuple[Benchmark, str]], options: Options
) -> dict[str, str | int]:
    return {
        "networks": f"up to {options.networks} of each of "
        f"{', '.join(table.name for table, _ in benchmarks)}, drawn with seed {options.seed}",
        "batch": f"{BATCH} digits of 3x16x16, norm=batch_fixed, the networks as published (stem of "
        "16 channels on NAS-Bench-101; those of the benchmark digits as they were trained there)",
        "count of TE-NAS": f"3,000 normal inputs of 3x3, train mode, mean of {REPEATS} "
        f"initialisations (Kaiming, fan_in); networks {_spelled(THINNEST)}; without stem on nb201",
        "exact count": f"the first {SHARE:g} of {LINES} lines from one digit of 3x8x8 to another, "
        f"eval mode with the statistics of 16 digits; networks {_spelled(THIN)}",
        "trainings": f"{options.seeds} of each stack on {learned.TRAINING} digits of 3x16x16, "
        f"{learned.TEST} others for the test; {training.RECIPE}",
        "test": TEST,
    }


def _spelled(options: Mapping[str, Mapping[str, int]]) -> str:
    return "; ".join(
        f"{space} {', '.join(f'{name}={value}' for name, value in own.items())}"
        for space, own in options.items()
    )


def _benchmark(
    workshop: Workshop, benchmark: Benchmark, metric: str, options: Options
) -> dict[str, Any]:
    """The counts of drawn networks, what they are worth, and counter-examples among them."""
    networks = counted_networks(workshop, benchmark, metric, options.networks, options.seed)
    return {
        **analysed(networks, benchmark, metric, options.seed),
        "networks": networks,
        "counterexamples": searched(workshop, benchmark.name, networks, options.seeds),
    }
