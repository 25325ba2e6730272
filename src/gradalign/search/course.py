"""The training of one finalist, of which nothing is kept but its checkpoint."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gradalign.candidate import Candidate, seeded
from gradalign.engine._precision import full_precision
from gradalign.errors import InputError
from gradalign.failure import Failure
from gradalign.search.parts import Parts
from gradalign.training import (
    Recipe,
    Training,
    load_checkpoint,
    loss_and_accuracy,
    save_checkpoint,
)


class FailedError(Exception):
    """A network cannot be trained; the message is the reason for its record."""


@dataclass(frozen=True)
class Setting:
    """What the trainings of finalists have in common.

    Args:
        recipe: How.
        seed: Of initialisation, order of samples and torch's generators.
        device: Where.
    """

    recipe: Recipe
    seed: int
    device: torch.device


class Course:
    """A training that goes from its checkpoint to an epoch, and writes one after each on the way.

    Its file is named after all that decides how the training goes, the initial weights among it:
    other trainings can lie in the same folder.

    Args:
        candidate: The network.
        initial: It, as `candidate` builds it.
        parts: Samples, on the setting's device.
        setting: What is common to the finalists.
        folder: Where the checkpoint is.

    Attributes:
        checkpoint: Its file.
        accuracies: On the validation samples after each epoch that is in the checkpoint, percent.
        seconds: How long each of these epochs took, validation included.

    Raises:
        InputError: The checkpoint is damaged.
    """

    def __init__(
        self,
        candidate: Candidate,
        initial: nn.Module,
        parts: Parts,
        setting: Setting,
        folder: Path,
    ) -> None:
        self._candidate = candidate
        self._parts = parts
        self._setting = setting
        self.checkpoint = folder / f"{_digest(candidate.name, initial, parts, setting)}.pt"
        found = load_checkpoint(self.checkpoint) or {"accuracies": [], "seconds": []}
        self.accuracies: list[float] = found["accuracies"]
        self.seconds: list[float] = found["seconds"]

    def advance(self, epoch: int, told: Callable[[], None]) -> None:
        """Train up to that epoch, unless the checkpoint is as far.

        Args:
            epoch: The epoch.
            told: Called after each epoch that is trained here.

        Raises:
            FailedError: The network raises something, or a loss is no longer finite.
            GradalignError: The checkpoint cannot be read or written.
        """
        if len(self.accuracies) >= epoch:
            return
        with _reproducible(self._setting.seed):
            setting = self._setting
            with _failing():
                model = self._built()
                training = Training(model, self._parts.training, setting.recipe, seed=setting.seed)
            found = load_checkpoint(self.checkpoint)
            if found is not None:
                training.load(found["training"])
            while training.epochs < epoch:
                self._train_epoch(training, model)
                told()

    def test(self) -> float:
        """Accuracy of the network in the checkpoint on the test samples, percent."""
        with _reproducible(self._setting.seed):
            model = self._built()
            load_weights(model, self.checkpoint)
            return loss_and_accuracy(model, self._parts.test)[1]

    def _built(self) -> nn.Module:
        return self._candidate.build(self._setting.seed).to(self._setting.device)

    def _train_epoch(self, training: Training, model: nn.Module) -> None:
        started = time.perf_counter()
        with _failing():
            training.epoch()
            accuracy = loss_and_accuracy(model, self._parts.validation)[1]
        if training.diverged:
            raise FailedError(f"the loss is no longer finite in epoch {training.epochs + 1}")
        self.accuracies.append(accuracy)
        self.seconds.append(time.perf_counter() - started)
        save_checkpoint(
            {
                "training": training.state(),
                "accuracies": self.accuracies,
                "seconds": self.seconds,
            },
            self.checkpoint,
        )


def load_weights(model: nn.Module, checkpoint: Path) -> None:
    """Give `model` the weights and buffers in the checkpoint of a course.

    Raises:
        InputError: There is no such file, or it is damaged.
    """
    found: dict[str, Any] | None = load_checkpoint(checkpoint)
    if found is None:
        raise InputError(f"the checkpoint {str(checkpoint)!r} is gone: train the finalists again")
    model.load_state_dict(found["training"]["model"])


def _digest(name: str, initial: nn.Module, parts: Parts, setting: Setting) -> str:
    """Hash of what decides how a training goes, 16 hexadecimal digits."""
    decides = {
        "model": name,
        "samples": parts.training.content,
        "recipe": asdict(setting.recipe),
        "seed": setting.seed,
        "device": setting.device.type,
    }
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode())
    for key, tensor in initial.state_dict().items():
        digest.update(repr((key, tensor.dtype, tuple(tensor.shape))).encode())
        flat = tensor.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


@contextmanager
def _failing() -> Iterator[None]:
    """Context in which whatever is raised is the network's fault, not that of disk or study."""
    try:
        yield
    except Exception as error:
        raise FailedError(Failure.of(error).reason) from error


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Context with seeded generators, and with cuDNN's fixed algorithms without TF32."""
    with seeded(seed), full_precision():
        yield
