"""The loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.training.recipe import Recipe

CHUNK = 256
"""Samples of one forward pass where nothing is learned."""


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
        training: Inputs, one tensor, and integer targets [n].
        test: The same of samples that are not learned.
        recipe: How.
        seed: Of the order of the samples; together with the weights of `model` it fixes the result
            on one machine.
        counted: Bool [n], the training samples whose losses are reported; all are learned. None:
            all.
        after_epoch: Called with 0 before the first epoch and with each epoch's number after it.
    """
    optimiser = torch.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
    )
    steps = recipe.steps(len(training))
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    order = torch.Generator().manual_seed(seed)
    counts = torch.ones(len(training), dtype=torch.bool) if counted is None else counted
    losses: list[float] = []
    if after_epoch is not None:
        after_epoch(0)
    for epoch in range(1, recipe.epochs + 1):
        model.train()
        for samples in _minibatches(len(training), recipe.batch_size, order):
            logits = model(training.inputs[samples])
            each = F.cross_entropy(logits, training.targets[samples], reduction="none")
            if not bool(torch.isfinite(each).all()):
                return _looked_at(model, training[counts], test, losses, diverged=True)
            losses.append(each.detach()[counts[samples]].mean().item())
            optimiser.zero_grad()
            each.mean().backward()
            optimiser.step()
            falling.step()
        if after_epoch is not None:
            after_epoch(epoch)
    return _looked_at(model, training[counts], test, losses, diverged=False)


def _looked_at(
    model: nn.Module, training: Batch, test: Batch, losses: list[float], *, diverged: bool
) -> Trained:
    """What became of a network, from its losses and a look at what it can do."""
    test_loss, test_accuracy = _loss_and_accuracy(model, test)
    finite = math.isfinite(test_loss)
    return Trained(
        step_losses=tuple(losses),
        train_accuracy=_loss_and_accuracy(model, training)[1],
        test_loss=test_loss if finite else None,
        test_accuracy=test_accuracy,
        diverged=diverged or not finite,
    )


def _minibatches(n: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of the samples of each step of an epoch.

    A last step of a single sample is left out: batch statistics of one sample do not exist.
    """
    for samples in torch.randperm(n, generator=generator).split(size):
        if len(samples) > 1 or n == 1:
            yield samples


def _loss_and_accuracy(model: nn.Module, batch: Batch) -> tuple[float, float]:
    """Mean cross-entropy and accuracy in percent, in eval mode."""
    model.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for inputs, targets in zip(
            batch.inputs.split(CHUNK), batch.targets.split(CHUNK), strict=True
        ):
            logits = model(inputs)
            loss += F.cross_entropy(logits, targets, reduction="sum").item()
            right += int((logits.argmax(1) == targets).sum())
    return loss / len(batch), 100 * right / len(batch)
