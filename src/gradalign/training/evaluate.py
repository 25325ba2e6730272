"""What a classifier puts out, and how well it does."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradalign.batch import Batch, Inputs

CHUNK = 256
"""Samples of one forward pass where nothing is learned."""


def logits(model: nn.Module, inputs: Inputs) -> Tensor:
    """What `model` puts out, [n, classes]; of an output with `.logits`, these.

    Args:
        model: The classifier.
        inputs: A tensor, or a dict of keyword arguments.
    """
    output = model(**inputs) if isinstance(inputs, dict) else model(inputs)
    found: Tensor = getattr(output, "logits", output)
    return found


def loss_and_accuracy(model: nn.Module, batch: Batch) -> tuple[float, float]:
    """Mean cross-entropy and accuracy in percent, in eval mode, in which the model is left."""
    model.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(batch), CHUNK):
            chunk = batch[start : start + CHUNK]
            found = logits(model, chunk.inputs)
            loss += F.cross_entropy(found, chunk.targets, reduction="sum").item()
            right += int((found.argmax(1) == chunk.targets).sum())
    return loss / len(batch), 100 * right / len(batch)
