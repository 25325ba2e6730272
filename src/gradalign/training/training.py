"""A training that can be stopped after any epoch, and goes on as if it had not been."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.training.evaluate import logits
from gradalign.training.recipe import Recipe


class Training:
    """Training of a classifier in place, epoch by epoch, where its parameters and samples are.

    With the weights that the model comes with, `seed`, and where the model draws too (dropout)
    torch's generators, the result is fixed on one machine: bit for bit on a CPU with as many
    threads, on an accelerator as far as its kernels add up in a fixed order.

    Args:
        model: From [n, ...] inputs to [n, classes] logits.
        samples: Inputs, and integer targets [n].
        recipe: How.
        seed: Of the order of the samples.
        counted: Bool [n], the samples whose losses are reported; all are learned. None: all.

    Attributes:
        epochs: How many are done.
        losses: Mean cross-entropy of the counted samples of each step before it; NaN for a step
            without any.
        diverged: Whether a loss was no longer finite, which ended the training.
    """

    def __init__(
        self,
        model: nn.Module,
        samples: Batch,
        recipe: Recipe,
        *,
        seed: int,
        counted: Tensor | None = None,
    ) -> None:
        self.epochs = 0
        self.losses: list[float] = []
        self.diverged = False
        self._model = model
        self._samples = samples
        self._recipe = recipe
        everything = torch.ones(len(samples), dtype=torch.bool)
        self._device = samples.targets.device
        self._counted = (everything if counted is None else counted).to(self._device)
        self._optimiser = torch.optim.SGD(
            model.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.momentum > 0,
        )
        self._falling = torch.optim.lr_scheduler.CosineAnnealingLR(
            self._optimiser, recipe.steps(len(samples))
        )
        self._order = torch.Generator().manual_seed(seed)

    @property
    def finished(self) -> bool:
        """Whether there is no further epoch."""
        return self.diverged or self.epochs == self._recipe.epochs

    def epoch(self) -> None:
        """Train for one epoch, less where a loss is no longer finite."""
        self._model.train()
        for drawn in _minibatches(len(self._samples), self._recipe.batch_size, self._order):
            index = drawn.to(self._device)
            step = self._samples[index]
            each = F.cross_entropy(logits(self._model, step.inputs), step.targets, reduction="none")
            if not bool(torch.isfinite(each).all()):
                self.diverged = True
                return
            self.losses.append(each.detach()[self._counted[index]].mean().item())
            self._optimiser.zero_grad()
            each.mean().backward()
            self._optimiser.step()
            self._falling.step()
        self.epochs += 1

    def state(self) -> dict[str, Any]:
        """All that decides how the training goes on: tensors, numbers and texts.

        It is a view: the next epoch changes it, so it has to be saved or copied before.
        """
        return {
            "epochs": self.epochs,
            "losses": list(self.losses),
            "diverged": self.diverged,
            "model": self._model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._falling.state_dict(),
            "order": self._order.get_state(),
            "generators": _generators(self._device),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; torch's own generators are set to what they were in it.

        Args:
            state: That of a training with an equal model, samples, recipe and seed, on a device of
                the same kind.
        """
        self.epochs = state["epochs"]
        self.losses = list(state["losses"])
        self.diverged = state["diverged"]
        self._model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._falling.load_state_dict(state["schedule"])
        self._order.set_state(state["order"])
        torch.set_rng_state(state["generators"]["cpu"])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(state["generators"]["cuda"], self._device)


def _generators(device: torch.device) -> dict[str, Tensor]:
    """The states of the generators that a model on `device` draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _minibatches(n: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of the samples of each step of an epoch.

    A last step of a single sample is left out: batch statistics of one sample do not exist.
    """
    for samples in torch.randperm(n, generator=generator).split(size):
        if len(samples) > 1 or n == 1:
            yield samples
