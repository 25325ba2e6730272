"""What a search space is: architectures, how they are spelled, and the networks they become."""

import random
import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import nn

from gradalign._registry import Registry
from gradalign.errors import InputError
from gradalign.spaces._given import GivenTrial

Arch = TypeVar("Arch", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What networks of a space were published for.

    Args:
        name: How it is asked for.
        input_size: Shape of one input, without the sample axis.
        num_classes: Number of outputs.
    """

    name: str
    input_size: tuple[int, ...]
    num_classes: int


class Trial(Protocol):
    """What `suggest` needs of an Optuna trial."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of `choices`."""

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""


class Space(ABC, Generic[Arch]):
    """A set of architectures, and how each becomes a network.

    Architectures are immutable and hashable; two are equal where they are spelled alike. Isomorphic
    ones compute the same function by the same operations but may be spelled differently, and may
    differ in operations that reach no output: they share their `canonical` form.

    Attributes:
        name: How the space is asked for.
        size: Number of architectures that `enumerate` gives; None where there is no end to them.
        tasks: What the published networks were trained on, by name; the first is the default.
        options: What `build` takes besides, whole numbers of at least 1, with their defaults.
        example: A right spelling, for messages and the reference.
        reference: What texts look like that name an architecture only through a table of
            `gradalign.benchmarks`, such as a hash; None: no such names.
        flops_convention: What the published table counts as FLOPs, in one line; None: it has none.
        description: What varies, in one line.
        source: Paper, and code where it decides.
        licence: Licence of the published space.
    """

    name: str
    size: int | None
    tasks: Mapping[str, Task]
    options: Mapping[str, int]
    example: str
    reference: re.Pattern[str] | None = None
    flops_convention: str | None = None
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

    def canonical(self, arch: Arch) -> str:
        """A text that isomorphic architectures share and others do not; else the spelling."""
        return self.format(arch)

    def network_key(self, arch: Arch) -> str:
        """A text that architectures share whose networks have the same layers, wired the same way.

        Their scores differ by the draw of the initialisation only, so one of them is measured for
        all. `canonical` by default; a space whose canonical form tells functions apart, not
        networks, says more.
        """
        return self.canonical(arch)

    @abstractmethod
    def suggest(self, trial: Trial) -> Arch:
        """An architecture from an Optuna trial's suggestions, each named after what it decides."""

    @abstractmethod
    def _decisions(self, arch: Arch) -> dict[str, Any]:
        """What `suggest` must be answered to give `arch`, by name; `decisions` checks it."""

    @abstractmethod
    def _build(self, arch: Arch, task: Task, options: Mapping[str, int]) -> nn.Module:
        """The network, initialised from torch's generator; every option is given."""

    def published_flops(self, arch: Arch | str, task: str | None = None) -> float:  # noqa: ARG002
        """FLOPs of the published network, counted as its published table counts them.

        Raises:
            InputError: The table publishes none.
        """
        raise InputError(f"the space {self.name!r} has no published FLOPs")

    def decisions(self, arch: Arch) -> dict[str, Any]:
        """The suggestions that make an architecture, by name: the inverse of `suggest`.

        `suggest` gives `arch` back, or a spelling that has the same `network_key`.

        Raises:
            InputError: No suggestions make it: `parse` may take more than `suggest` gives.
        """
        decisions = self._decisions(arch)
        try:
            made = self.suggest(GivenTrial(decisions))
            if made != arch and self.network_key(made) != self.network_key(arch):
                raise InputError("they come to another network")
        except InputError as fault:
            raise InputError(
                f"no suggestions make the {self.name} architecture {quoted(self.format(arch))}: "
                f"{fault}"
            ) from None
        return decisions

    def mutate(self, arch: Arch, rng: random.Random) -> Arch:
        """A neighbour of `arch` drawn uniformly."""
        return rng.choice(self.neighbours(arch))

    def build(
        self,
        arch: Arch | str,
        *,
        task: str | None = None,
        num_classes: int | None = None,
        input_size: tuple[int, ...] | None = None,
        seed: int | None = None,
        **options: int | str,
    ) -> nn.Module:
        """The network of an architecture, newly initialised, in train mode.

        Args:
            arch: An architecture or its spelling.
            task: One of `self.tasks`; None: the first.
            num_classes: Number of outputs; None: the task's.
            input_size: Shape of one input; None: the task's. Few networks depend on it.
            seed: Seed of the initialisation, which then depends on nothing else and leaves torch's
                generator as it was; None: drawn from torch's generator.
            **options: Those of `self.options`; texts are read as whole numbers.

        Raises:
            InputError: A malformed spelling, an unknown task or option, or a value below 1.
        """
        if isinstance(arch, str):
            arch = self.parse(arch)
        chosen = self.chosen(options)
        asked = self.task(task)
        if num_classes is not None:
            asked = replace(asked, num_classes=_whole_number("num_classes", num_classes))
        if input_size is not None:
            asked = replace(asked, input_size=input_size)
        if seed is None:
            return self._build(arch, asked, chosen)
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would seed every accelerator too, and fork_rng would not restore it
            torch.default_generator.manual_seed(seed)
            return self._build(arch, asked, chosen)

    def task(self, name: str | None = None) -> Task:
        """The task of that name; None: the default one."""
        if name is None:
            return next(iter(self.tasks.values()))
        if name not in self.tasks:
            raise InputError(
                f"the space {self.name!r} has no task {quoted(name)}: "
                f"choose from {', '.join(self.tasks)}"
            )
        return self.tasks[name]

    def chosen(self, given: Mapping[str, int | str]) -> dict[str, int]:
        """Every option, those `given` read as whole numbers, the others at their default."""
        for option in given:
            if option not in self.options:
                allowed = ", ".join(sorted(self.options)) or "none at all"
                raise InputError(
                    f"the space {self.name!r} has no option {option!r}: it has {allowed}"
                )
        return {**self.options, **{name: _whole_number(name, v) for name, v in given.items()}}


def tasks(*each: Task) -> dict[str, Task]:
    """Tasks by name, in the order given."""
    return {task.name: task for task in each}


def exchanged(
    decisions: Sequence[Any], choices: Sequence[Iterable[Any]]
) -> Iterator[tuple[Any, ...]]:
    """Every tuple that differs from `decisions` in one place, place by place.

    Args:
        decisions: One for each place.
        choices: What each place may hold, in the order in which it comes.
    """
    for place, (own, allowed) in enumerate(zip(decisions, choices, strict=True)):
        for other in allowed:
            if other != own:
                yield (*decisions[:place], other, *decisions[place + 1 :])


def reject(space: str, text: str, fault: str, example: str) -> InputError:
    """The error for a malformed spelling: what is wrong in it, and a right one."""
    return InputError(
        f"malformed {space} architecture {quoted(text)}: {fault}; a right one: {example}"
    )


SPACES: Registry[Space[Any]] = Registry("space", "gradalign.spaces", plugins=True)


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
