"""One training: what is measured before, during and after it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from gradalign.batch import Batch
from gradalign.candidate import Candidate
from gradalign.conditions import PassedBatch
from gradalign.data import InputSpec
from gradalign.scorer import Scorer
from gradalign.studies._ledger import Json
from gradalign.studies._work import Task
from gradalign.studies.convergence.measures import MEASURES, SIZES, SUMS
from gradalign.studies.convergence.networks import CLASSES, build, changed, digits, learned
from gradalign.training import Recipe, Trained, train

SCORED = 64
"""Training samples on which the scores are measured; the networks learn them too."""

LATER = (1, 2, 4, 6)
"""Epochs after which conflict is measured again."""

LEVELS = (1.5, 1.0, 0.5)
"""Losses whose steps are counted; a network that knows nothing has ln 10 = 2.3."""

WINDOW = 8
"""Steps whose mean loss has to be at most such a level, and that are averaged in pictures."""


def trained(task: Task) -> Json:
    """Train the network of a task, and measure it before and on the way.

    Args:
        task: `space`, `arch`, `seed` (of initialisation and order), `done` (what is changed) and
            `recipe` (its fields).

    Returns:
        `accuracy` and `train_accuracy` in percent, `losses` of the steps, `steps` to each level
        (None: never), `diverged`, `measures` by epoch and name (None where a score has no value),
        `reasons` for these, and `seconds`.
    """
    started = time.perf_counter()
    space, arch, done = (str(task[name]) for name in ("space", "arch", "done"))
    seed = int(str(task["seed"]))
    model = changed(build(space, arch, seed), done)
    training, counted = learned(done, seed)
    scored = _mixed(training) if counted is not None else training[:SCORED]
    measures: dict[str, dict[str, float | None]] = {}
    reasons: dict[str, str] = {}

    def look(epoch: int) -> None:
        if epoch in (0, *LATER):
            names = (*MEASURES, *SUMS, *SIZES) if epoch == 0 else MEASURES
            measures[str(epoch)], why = measured(model, scored, names)
            reasons.update({f"{name} after {epoch}": text for name, text in why.items()})

    recipe = Recipe(**task["recipe"])
    found = train(
        model, training, digits()[1], recipe, seed=seed, counted=counted, after_epoch=look
    )
    return {
        **summary(found, recipe.steps(len(training))),
        "measures": measures,
        "reasons": reasons,
        "seconds": time.perf_counter() - started,
    }


def _mixed(training: Batch) -> Batch:
    """As many originals as copies, each beside its own copy."""
    half = len(training) // 2
    first = torch.arange(SCORED // 2)
    return training[torch.cat([first, first + half])]


def measured(
    model: nn.Module, batch: Batch, names: tuple[str, ...]
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Scores of a network as it is, by name, and why those without a value have none."""
    given: Callable[[int], object] = lambda _: model  # noqa: E731
    candidate = Candidate(
        name="network", make=given, spec=InputSpec(num_classes=CLASSES), redrawn=False
    )
    scorer = Scorer(PassedBatch(batch), proxies=names, device="cpu", redrawn=False)
    scores = scorer.attempt(candidate)
    values = {score.proxy: score.value for score in scores}
    return values, {score.proxy: str(score.reason) for score in scores if score.value is None}


def summary(found: Trained, most: int) -> Json:
    """What is kept of a training of `most` steps."""
    losses = [round(loss, 5) if math.isfinite(loss) else None for loss in found.step_losses]
    return {
        "accuracy": found.test_accuracy,
        "train_accuracy": found.train_accuracy,
        "losses": losses,
        "steps": {str(level): steps_to(losses, level) for level in LEVELS},
        "most_steps": most,
        "diverged": found.diverged,
    }


def mean_loss(run: Mapping[str, Any]) -> float:
    """Mean cross-entropy of all steps: low for a network that learns fast.

    Unlike a number of steps it is there for networks that never reach a level. No step counts as
    worse than one of a network that knows nothing, ln 10, nor do those after a training diverged:
    else a few huge losses would be all that is seen of it.
    """
    most = math.log(CLASSES)
    known = [min(loss, most) for loss in run["losses"] if loss is not None]
    lost = int(run["most_steps"]) - len(run["losses"])
    return float(sum(known) + lost * most) / (len(known) + lost)


def steps_to(losses: list[float | None], level: float) -> int | None:
    """The first step after which the mean loss of the last `WINDOW` steps is at most `level`."""
    for step in range(WINDOW, len(losses) + 1):
        window = [loss for loss in losses[step - WINDOW : step] if loss is not None]
        if window and sum(window) / len(window) <= level:
            return step
    return None


def measure_at(result: Mapping[str, Any], epoch: int, name: str) -> float | None:
    """A measure of a run; None where it has no value, or the training ended before."""
    value = result["measures"].get(str(epoch), {}).get(name)
    return None if value is None else float(value)
