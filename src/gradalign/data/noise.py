"""Gaussian noise, or random token ids: what a network does without data."""

from __future__ import annotations

import torch

from gradalign.batch import Batch
from gradalign.data._base import LARGEST_SEED, InputSpec, Source, source
from gradalign.errors import UnsupportedError

PERTURBATION = 0.01


@source
class Noise(Source):
    """Inputs from N(0, 1), or token ids uniform over the vocabulary, with balanced labels."""

    name = "noise"
    description = "N(0, 1) inputs of the model's shape (else 3x32x32), or uniform token ids"
    licence = "none needed: it is generated"

    @property
    def num_classes(self) -> None:
        """None: as many as the model has."""
        return

    @property
    def shape(self) -> None:
        """None: as the model has it."""
        return

    def _draw(self, size: int, seed: int, spec: InputSpec, part: int) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(spec.num_classes, generator=generator)
        first, last = part * size, (part + 1) * size
        targets = order[torch.arange(first, last) % len(order)]
        shape = spec.shape or (3, 32, 32)
        samples = []
        for index in range(last):  # one by one: the stream must not depend on the batch size
            if spec.tokens is None:
                sample = torch.randn(shape, generator=generator)
            else:
                vocabulary, length = spec.tokens
                sample = torch.randint(vocabulary, (length,), generator=generator)
            if index >= first:
                samples.append(sample)
        inputs = torch.stack(samples)
        return Batch(inputs if spec.tokens is None else {"input_ids": inputs}, targets)


@source
class PerturbedNoise(Noise):
    """The inputs of `noise` of the same seed, each plus 0.01 times another draw from N(0, 1)."""

    name = "perturbed_noise"
    description = "the inputs of noise plus 0.01 times further N(0, 1) noise"

    def _draw(self, size: int, seed: int, spec: InputSpec, part: int) -> Batch:
        if spec.tokens is not None:
            raise UnsupportedError("token ids are whole numbers: they cannot be moved a little")
        batch = super()._draw(size, seed, spec, part)
        other = super()._draw(size, LARGEST_SEED - seed, spec, part)
        return Batch(batch.inputs + PERTURBATION * other.inputs, batch.targets)
