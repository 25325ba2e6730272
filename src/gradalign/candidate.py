"""A network that can be built, and built again, under a name."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from gradalign.data import InputSpec
from gradalign.errors import InputError
from gradalign.failure import is_out_of_memory, one_line

SEQUENCE_LENGTH = 16
"""Tokens of one input where nothing says how many."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network under a name, and how it is made.

    Args:
        name: As the user gave it.
        make: The network, from the seed of its initialisation.
        spec: What it takes, where the batch is drawn from a data source.
        redrawn: Whether every `make` is a new initialisation; False for a network that was passed,
            which keeps its weights.
        space: Name of the search space it is from; None: no space.
        arch: Its architecture in that space's own spelling.
        canonical: What isomorphic architectures of that space share.
    """

    name: str
    make: Callable[[int], object]
    spec: InputSpec
    redrawn: bool = True
    space: str | None = None
    arch: str | None = None
    canonical: str | None = None

    def build(self, seed: int) -> nn.Module:
        """The network; the random number generators are left as they were.

        Raises:
            InputError: What should make it fails, or makes something else.
        """
        with seeded(seed):
            try:
                network = self.make(seed)
            except InputError:
                raise
            except Exception as error:
                if is_out_of_memory(error):
                    raise
                raise InputError(
                    f"building {self.name!r} raised {type(error).__name__}: {one_line(error)}"
                ) from error
        if not isinstance(network, nn.Module):
            raise InputError(
                f"building {self.name!r} gave a {type(network).__name__}: a factory must return an "
                "nn.Module"
            )
        return network


def input_spec(model: nn.Module, spec: InputSpec) -> InputSpec:
    """What `model` takes: `spec`, unless its forward takes `input_ids` and `spec` has no tokens."""
    if spec.tokens is not None or "input_ids" not in inspect.signature(model.forward).parameters:
        return spec
    vocabulary = getattr(getattr(model, "config", None), "vocab_size", None)
    if vocabulary is None:
        tables = (m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding))
        vocabulary = next(tables, 1)
    length = spec.shape[0] if spec.shape else SEQUENCE_LENGTH
    return InputSpec(num_classes=spec.num_classes, tokens=(int(vocabulary), length))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Context in which every generator that initialisations draw from starts at `seed`."""
    cuda = torch.cuda.is_available()
    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - factories use it
    with torch.random.fork_rng([torch.cuda.current_device()] if cuda else []):
        # Only what is restored is seeded: torch.manual_seed would reach every accelerator.
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)  # noqa: NPY002
