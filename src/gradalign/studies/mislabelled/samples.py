"""Handwritten digits, some of them under a wrong label."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gradalign.batch import Batch, class_balanced
from gradalign.data import InputSpec, open_source
from gradalign.studies.convergence.networks import CLASSES, SHAPE

TRAINING, TEST = 640, 1150
"""Samples that are learned, and that are kept for the test: nearly all of the 1,797 digits."""

SHARE = 0.1
"""Of the training samples, those that are given a wrong label."""

BATCH, BATCHES = 128, 4
"""Samples whose gradients are compared with each other, and how many such batches there are."""


@dataclass(frozen=True, kw_only=True)
class Noisy:
    """What is learned, and what only the one who looks at the results knows of it.

    Args:
        training: Images with their given labels.
        wrong: Bool [n]: which of these labels are wrong.
        test: Images with right labels that are not learned.
        batches: Indices of the training samples of each batch that is looked at; by their given
            labels the classes are in balance.
    """

    training: Batch
    wrong: Tensor
    test: Batch
    batches: tuple[Tensor, ...]


def noisy_digits(seed: int) -> Noisy:
    """Images, wrong labels and batches, all drawn by `seed`."""
    spec = InputSpec(num_classes=CLASSES, shape=SHAPE)
    drawn = open_source("digits").draw(TRAINING + TEST, seed, spec)
    training, wrong = relabelled(drawn[:TRAINING], seed)
    order = class_balanced(training.targets, BATCH * BATCHES, seed)
    return Noisy(
        training=training,
        wrong=wrong,
        test=drawn[TRAINING:],
        batches=tuple(order.split(BATCH)),
    )


def relabelled(batch: Batch, seed: int) -> tuple[Batch, Tensor]:
    """The samples with `SHARE` of the labels replaced, and which these are, bool [n].

    Which samples and which of the other classes are drawn uniformly, whatever the image shows.
    """
    generator = torch.Generator().manual_seed(seed)
    n = len(batch)
    wrong = torch.zeros(n, dtype=torch.bool)
    wrong[torch.randperm(n, generator=generator)[: round(SHARE * n)]] = True
    shift = torch.randint(1, CLASSES, (n,), generator=generator)
    given = torch.where(wrong, (batch.targets + shift) % CLASSES, batch.targets)
    return Batch(batch.inputs, given), wrong
