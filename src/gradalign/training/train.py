"""A training from its first epoch to its last."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.training.evaluate import loss_and_accuracy
from gradalign.training.recipe import Recipe
from gradalign.training.training import Training


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What became of a network.

    Args:
        step_losses: Mean cross-entropy of the counted samples of each step before it, shorter than
            the training where it diverged; NaN for a step without any.
        train_accuracy: Of the trained network on all counted samples, percent.
        test_loss: Its mean cross-entropy on the test samples; None where it is not finite.
        test_accuracy: On the test samples, percent. Of a network that diverged: that of its last
            weights.
        diverged: Whether a loss was no longer finite, which ended the training.
    """

    step_losses: tuple[float, ...]
    train_accuracy: float
    test_loss: float | None
    test_accuracy: float
    diverged: bool


def train(
    model: nn.Module,
    training: Batch,
    test: Batch,
    recipe: Recipe,
    *,
    seed: int,
    counted: Tensor | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> Trained:
    """Train a classifier in place, and look what it has learned.

    Args:
        model: From [n, ...] inputs to [n, classes] logits.
        training: Inputs, and integer targets [n].
        test: The same of samples that are not learned.
        recipe: How.
        seed: Of the order of the samples; together with the weights of `model` it fixes the result
            on one machine.
        counted: Bool [n], the training samples whose losses are reported; all are learned. None:
            all.
        after_epoch: Called with 0 before the first epoch and with each epoch's number after it.
    """
    run = Training(model, training, recipe, seed=seed, counted=counted)
    if after_epoch is not None:
        after_epoch(0)
    while not run.finished:
        run.epoch()
        if after_epoch is not None and not run.diverged:
            after_epoch(run.epochs)
    test_loss, test_accuracy = loss_and_accuracy(model, test)
    finite = math.isfinite(test_loss)
    return Trained(
        step_losses=tuple(run.losses),
        train_accuracy=loss_and_accuracy(model, _counted(training, counted))[1],
        test_loss=test_loss if finite else None,
        test_accuracy=test_accuracy,
        diverged=run.diverged or not finite,
    )


def _counted(training: Batch, counted: Tensor | None) -> Batch:
    return training if counted is None else training[counted]
