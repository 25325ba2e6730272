"""What a search space is: architectures, how they are spelled, and the networks they become."""

import random
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from gradalign._registry import Registry
from gradalign.errors import InputError

Arch = TypeVar("Arch", bound=Hashable)


class Space(ABC, Generic[Arch]):
    """A set of architectures, and how each becomes a network.

    Architectures are immutable and hashable; two are equal where they are spelled alike. Isomorphic
    ones compute the same function by the same operations but may be spelled differently, and may
    differ in operations that reach no output: they share their `canonical` form.

    Attributes:
        name: How the space is asked for.
        size: Number of architectures; None where they cannot be counted.
        input_size: Shape of one input of the published networks, without the sample axis.
        num_classes: Number of classes of the published networks.
        options: What `build` takes besides, whole numbers of at least 1, with their defaults.
        description: What varies, in one line.
        source: Paper, and code where it decides.
        licence: Licence of the published space.
    """

    name: str
    size: int | None
    input_size: tuple[int, ...]
    num_classes: int = 10
    options: Mapping[str, int]
    description: str
    source: str
    licence: str

    @abstractmethod
    def parse(self, text: str) -> Arch:
        """The architecture that `text` spells; InputError says what is wrong in it."""

    @abstractmethod
    def format(self, arch: Arch) -> str:
        """The space's own spelling of `arch`; `parse` is its inverse."""

    @abstractmethod
    def sample(self, rng: random.Random) -> Arch:
        """An architecture drawn uniformly."""

    @abstractmethod
    def enumerate(self) -> Iterator[Arch]:
        """Every architecture once, always in the same order."""

    @abstractmethod
    def neighbours(self, arch: Arch) -> list[Arch]:
        """Every architecture that one elementary change makes of `arch`, always in one order."""

    @abstractmethod
    def canonical(self, arch: Arch) -> str:
        """A text that isomorphic architectures share and others do not."""

    @abstractmethod
    def _build(self, arch: Arch, num_classes: int, options: Mapping[str, int]) -> nn.Module:
        """The network, initialised from torch's generator; every option is given."""

    def mutate(self, arch: Arch, rng: random.Random) -> Arch:
        """A neighbour of `arch` drawn uniformly."""
        return rng.choice(self.neighbours(arch))

    def build(
        self,
        arch: Arch | str,
        *,
        num_classes: int = 10,
        seed: int | None = None,
        **options: int | str,
    ) -> nn.Module:
        """The network of an architecture, newly initialised, in train mode.

        Args:
            arch: An architecture or its spelling.
            num_classes: Number of outputs.
            seed: Seed of the initialisation, which then depends on nothing else and leaves torch's
                generator as it was; None: drawn from torch's generator.
            **options: Those of `self.options`; texts are read as whole numbers.

        Raises:
            InputError: A malformed spelling, an unknown option, or a value below 1.
        """
        if isinstance(arch, str):
            arch = self.parse(arch)
        chosen = self._chosen(options)
        num_classes = _whole_number("num_classes", num_classes)
        if seed is None:
            return self._build(arch, num_classes, chosen)
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would seed every accelerator too, and fork_rng would not restore it
            torch.default_generator.manual_seed(seed)
            return self._build(arch, num_classes, chosen)

    def _chosen(self, given: Mapping[str, int | str]) -> dict[str, int]:
        for option in given:
            if option not in self.options:
                allowed = ", ".join(sorted(self.options)) or "none at all"
                raise InputError(
                    f"the space {self.name!r} has no option {option!r}: it has {allowed}"
                )
        return {**self.options, **{name: _whole_number(name, v) for name, v in given.items()}}


SPACES: Registry[Space[Any]] = Registry("space", "gradalign.spaces")


def get_space(name: str) -> Space[Any]:
    """The search space of that name; UnknownNameError offers the nearest ones."""
    return SPACES[name]


def quoted(text: str, limit: int = 120) -> str:
    """`text` in quotes on one line, cut after `limit` characters."""
    return repr(text) if len(text) <= limit else f"{text[:limit]!r}..."


def _whole_number(name: str, value: int | str) -> int:
    try:
        number = int(str(value))  # through text, so that 2.5 and True are refused, not rounded
    except ValueError:
        number = 0
    if number < 1:
        raise InputError(f"{name} is {quoted(str(value))}: a whole number of at least 1 is needed")
    return number
