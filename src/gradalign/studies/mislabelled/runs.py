"""One training on noisy labels, looked at before it and on the way."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.studies._ledger import Json
from gradalign.studies._work import Task
from gradalign.studies.mislabelled.figures import FIGURES, auc, figures
from gradalign.studies.mislabelled.networks import NETWORKS, STEP
from gradalign.studies.mislabelled.samples import TRAINING, Noisy, noisy_digits
from gradalign.training import Recipe, logits, train

EPOCH = TRAINING // STEP
"""Steps of an epoch."""

LOOKS = (0, 1, 3, 10, 30)
"""Epochs after which a batch is looked at."""

STEPS = tuple(EPOCH * epoch for epoch in LOOKS)
"""The same in training steps."""


def trained(task: Task) -> Json:
    """Train the network of a task, and look for its mislabelled samples before and on the way.

    Args:
        task: `network` (a key of `NETWORKS`), `seed` (of images, wrong labels, initialisation and
            order) and `recipe` (its fields).

    Returns:
        `auc` by step and figure (None where there is none), the mean over the batches; `learned`
        and `learned_wrong` by step, the percentage of the rightly and of the wrongly labelled
        training samples that the network puts in their given class; `accuracy` on the test
        samples, percent; `diverged`; and `seconds`.
    """
    started = time.perf_counter()
    seed = int(task["seed"])
    samples = noisy_digits(seed)
    model = NETWORKS[str(task["network"])].make(seed)
    found: dict[str, dict[str, float | None]] = {}
    learned: dict[str, dict[str, float]] = {"learned": {}, "learned_wrong": {}}

    def look(epoch: int) -> None:
        if epoch in LOOKS:
            step = str(EPOCH * epoch)
            found[step] = seen(model, samples)
            same = _in_given_class(model, samples.training)
            learned["learned"][step] = _percent(same[~samples.wrong])
            learned["learned_wrong"][step] = _percent(same[samples.wrong])

    recipe = Recipe(**task["recipe"])
    result = train(model, samples.training, samples.test, recipe, seed=seed, after_epoch=look)
    return {
        "auc": found,
        **learned,
        "accuracy": result.test_accuracy,
        "diverged": result.diverged,
        "seconds": time.perf_counter() - started,
    }


def seen(model: nn.Module, samples: Noisy) -> dict[str, float | None]:
    """How well each figure finds the mislabelled samples: mean AUC over the batches."""
    found: dict[str, list[float | None]] = {name: [] for name in FIGURES}
    for index in samples.batches:
        for name, suspicion in figures(model, samples.training[index]).items():
            found[name].append(auc(suspicion, samples.wrong[index]))
    return {name: _mean(values) for name, values in found.items()}


def _mean(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return math.fsum(present) / len(present) if len(present) == len(values) else None


def _in_given_class(model: nn.Module, training: Batch) -> Tensor:
    """Bool [n]: which samples the network, in eval mode, puts where their label does."""
    before = model.training
    model.eval()
    with torch.no_grad():
        same: Tensor = logits(model, training.inputs).argmax(1) == training.targets
    model.train(before)
    return same


def _percent(held: Tensor) -> float:
    return 100 * float(held.double().mean())
