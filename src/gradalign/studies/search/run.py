"""The study's searches, from the scores of the table to the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gradalign import __version__
from gradalign.benchmarks import BENCHMARKS
from gradalign.search.simulation import Course, Strategy, simulate
from gradalign.studies._ledger import Json
from gradalign.studies._study import Document
from gradalign.studies._work import Task, Workshop
from gradalign.studies.search.analysis import analysed
from gradalign.studies.search.strategies import SCORE, strategies
from gradalign.studies.search.world import (
    BATCH,
    BENCHMARK,
    EPOCHS,
    IMAGES,
    METRIC,
    SCORED_SIDE,
    networks,
    score,
    world,
)

TOGETHER = 10
"""Searches of one task."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much is done.

    Args:
        runs: Searches of each strategy.
        budget: Of each, in average trainings.
        networks: Networks of the table; None: all.
        seed: Of the searches.
    """

    runs: int = 200
    budget: float = 100.0
    networks: int | None = None
    seed: int = 0


def run(workshop: Workshop, folder: Path, options: Options) -> Document:
    """Score the table once, search it many times, and compare.

    Args:
        workshop: Where the searches are done.
        folder: Where the store of scores is, or is made.
        options: How much is done.
    """
    store = folder.resolve() / "search-scores.db"
    score(networks(options.networks), store, workshop)
    compared = strategies()
    tasks = [
        {
            "strategy": each.name,
            "store": str(store),
            "networks": options.networks,
            "budget": options.budget,
            "seeds": list(range(first, min(first + TOGETHER, options.seed + options.runs))),
        }
        for each in compared
        for first in range(options.seed, options.seed + options.runs, TOGETHER)
    ]
    found = workshop.do("search", searched, tasks)
    courses: dict[str, list[Course]] = {each.name: [] for each in compared}
    for task, result in zip(tasks, found, strict=True):
        courses[str(task["strategy"])] += [Course(**own) for own in result["courses"]]  # type: ignore[attr-defined]
    table = world(store, options.networks)
    return {
        "study": "search",
        "version": __version__,
        "conditions": _facts(options, len(table.archs), compared),
        "best": table.best,
        "budget": options.budget,
        **analysed(courses, table, options.budget, options.seed),
    }


def searched(task: Task) -> Json:
    """The courses of some searches with one strategy."""
    table = world(Path(task["store"]), task["networks"])
    (strategy,) = (each for each in strategies() if each.name == task["strategy"])
    courses = [
        asdict(simulate(table, strategy, budget=task["budget"], seed=seed))
        for seed in task["seeds"]
    ]
    return {"courses": courses}


def _facts(options: Options, count: int, compared: Sequence[Strategy]) -> dict[str, object]:
    """How it was made, as the page says it."""
    benchmark = BENCHMARKS[BENCHMARK]
    assistance = next(each.assistance for each in compared if each.assistance is not None)
    return {
        "networks": f"{count:,} of the {len(benchmark):,} in {benchmark.name}; others are refused",
        "accuracies": f"{METRIC}; {benchmark.metric(METRIC).split}; {benchmark.source}",
        "searched_for": "the same test accuracy that is reported: the table has no other",
        "cost": (
            f"of a training: 3 x FLOPs x {EPOCHS} epochs x {IMAGES:,} images; of a score: 3 x "
            f"FLOPs x {BATCH} images of {SCORED_SIDE}x{SCORED_SIDE}; in units of the mean training "
            "of the table"
        ),
        "budget": f"{options.budget:g} average trainings, scores included",
        "runs": f"{options.runs} of each strategy, seeds from {options.seed}",
        "assistance": (
            f"{assistance.pool} networks drawn at random are scored, and the {assistance.warm} "
            "best of them trained first; then evolution trains the best by score of "
            f"{assistance.choices} mutants of a parent, random search the best of "
            f"{assistance.choices} draws; reinforce and tpe are warmed up only"
        ),
        "scores": f"{SCORE} and others on digits, batch_fixed, the published width and depth",
        "intervals": "95 %: of means Student's over runs, of ratios bootstrap over runs",
    }
