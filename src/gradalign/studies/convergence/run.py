"""From trainings to the document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gradalign import __version__
from gradalign.errors import InputError
from gradalign.studies._study import Document
from gradalign.studies._work import Workshop
from gradalign.studies.convergence.analysis import analysed
from gradalign.studies.convergence.interventions import effects
from gradalign.studies.convergence.networks import (
    CHANGES,
    OPTIONS,
    RECIPES,
    TEST,
    TRAINING,
    draw,
)
from gradalign.studies.convergence.runs import SCORED, trained

FEWEST_NETWORKS, FEWEST_SEEDS = 4, 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """How large the study is.

    Args:
        networks: Of each space.
        seeds: Trainings of each network.
        seed: Of the draw of the networks; their initialisations have the seeds 0, 1, ...

    Raises:
        InputError: Too few networks or seeds to say anything.
    """

    networks: int = 16
    seeds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.networks < FEWEST_NETWORKS or self.seeds < FEWEST_SEEDS:
            raise InputError(
                f"{self.networks} networks of each space with {self.seeds} seeds: take at least "
                f"{FEWEST_NETWORKS} and {FEWEST_SEEDS}"
            )


def run(workshop: Workshop, options: Options) -> Document:
    """Train the networks, and all states of the interventions, and analyse both."""
    runs = observed(workshop, options)
    changed = intervened(workshop, options)
    return {
        "study": "convergence",
        "version": __version__,
        "conditions": {
            "networks": f"{options.networks} of each of {', '.join(OPTIONS)}, drawn with seed "
            f"{options.seed}",
            "trainings": f"{options.seeds} of each: seeds of initialisation and order",
            "images": f"digits, {TRAINING} to learn, {TEST} for the test; conflict on the first "
            f"{SCORED} of those learned",
            **{f"recipe of {space}": str(recipe) for space, recipe in RECIPES.items()},
            "speed": "mean loss of all steps of the training, low where it is fast; no step counts "
            "as worse than one of a network that knows nothing",
        },
        "runs": [_kept(each) for each in runs],
        **analysed(runs, options.seed),
        "changes": [
            {"name": each.name, "meaning": each.meaning, "baseline": each.baseline}
            for each in CHANGES
        ],
        "effects": effects(changed),
        "seconds": sum(each["seconds"] for each in (*runs, *changed)),
    }


def observed(workshop: Workshop, options: Options) -> list[dict[str, Any]]:
    """Trainings of drawn networks: what was asked and what came out, in one."""
    tasks = [
        _task(space, arch, seed)
        for space in OPTIONS
        for arch in draw(space, options.networks, options.seed)
        for seed in range(options.seeds)
    ]
    results = workshop.do("training", trained, tasks)
    return [{**task, **result} for task, result in zip(tasks, results, strict=True)]


def intervened(workshop: Workshop, options: Options) -> list[dict[str, Any]]:
    """Trainings in all states of all changes."""
    tasks, labels = [], []
    for change in CHANGES:
        for level, (archs, done) in change.levels.items():
            for network, arch in enumerate(archs):
                for seed in range(options.seeds):
                    tasks.append(_task(change.space, arch, seed, done))
                    labels.append({"change": change.name, "level": level, "network": network})
    results = workshop.do("intervening", trained, tasks)
    return [
        {**label, **task, **result}
        for label, task, result in zip(labels, tasks, results, strict=True)
    ]


def _task(space: str, arch: str, seed: int, done: str = "") -> dict[str, Any]:
    recipe = asdict(RECIPES[space])
    return {"space": space, "arch": arch, "seed": seed, "done": done, "recipe": recipe}


def _kept(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the document says of a training."""
    names = ("space", "arch", "seed", "accuracy", "train_accuracy", "losses", "steps")
    more = ("most_steps", "diverged", "measures", "reasons")
    return {name: run[name] for name in (*names, *more)}
