"""From trainings to the document."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gradalign import __version__
from gradalign.errors import InputError
from gradalign.studies._study import Document
from gradalign.studies._work import Workshop
from gradalign.studies.mislabelled.analysis import analysed
from gradalign.studies.mislabelled.networks import NETWORKS
from gradalign.studies.mislabelled.runs import STEPS, trained
from gradalign.studies.mislabelled.samples import BATCH, BATCHES, SHARE, TEST, TRAINING

FEWEST_SEEDS = 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """How large the study is.

    Args:
        seeds: Trainings of each network.
        seed: The first of them; the others follow it.

    Raises:
        InputError: Too few seeds for an interval.
    """

    seeds: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seeds < FEWEST_SEEDS:
            raise InputError(f"{self.seeds} seeds of each network: take at least {FEWEST_SEEDS}")


def run(workshop: Workshop, options: Options) -> Document:
    """Train the networks on labels some of which are wrong, and say how well these stand out."""
    tasks = [
        {"network": name, "seed": options.seed + k, "recipe": asdict(network.recipe)}
        for k in range(options.seeds)
        for name, network in NETWORKS.items()
    ]
    results = workshop.do("looking for wrong labels", trained, tasks)
    runs: list[dict[str, Any]] = [
        {"network": task["network"], "seed": task["seed"], **result}
        for task, result in zip(tasks, results, strict=True)
    ]
    return {
        "study": "mislabelled",
        "version": __version__,
        "conditions": {
            "networks": f"{len(NETWORKS)}: {', '.join(NETWORKS)}",
            "trainings": f"{options.seeds} of each; a seed draws images, wrong labels, "
            "initialisation and order",
            "images": f"digits, {TRAINING} to learn, {TEST} for the test",
            "wrong labels": f"{SHARE:.0%} of the training samples, each given one of the other "
            "classes, sample and class drawn uniformly",
            "gradients": f"of weight matrices and filters, norm batch_fixed, on {BATCHES} batches "
            f"of {BATCH} training samples with the given classes in balance; AUC is the mean over "
            "the batches",
            "looks": f"after {', '.join(map(str, STEPS))} steps",
            **{f"recipe of {name}": str(network.recipe) for name, network in NETWORKS.items()},
        },
        "runs": [{k: v for k, v in each.items() if k != "seconds"} for each in runs],
        **analysed(runs, options.seed),
        "seconds": sum(each["seconds"] for each in runs),
    }
