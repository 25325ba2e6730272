"""What every search space here passes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces import Space
from gradalign.spaces._given import GivenTrial
from gradalign.testing._require import require

SAMPLES = 20
"""Architectures that a check draws."""

COUNTED = 20_000
"""Size up to which a space is enumerated to its end."""


@dataclass
class RandomTrial:
    """Suggestions drawn uniformly, in place of an Optuna trial; a name keeps its first value."""

    rng: random.Random

    def __post_init__(self) -> None:
        self.params: dict[str, Any] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of `choices`."""
        return self.params.setdefault(name, self.rng.choice(list(choices)))

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        number: int = self.params.setdefault(name, self.rng.randint(low, high))
        return number


def check_facts(space: Space[Any]) -> None:
    """A space says what it is, and its example is one of its architectures."""
    for fact in ("name", "description", "source", "licence", "example"):
        require(bool(getattr(space, fact)), f"{space.name}: no {fact}")
    require(bool(space.tasks), f"{space.name}: no task")
    for name, task in space.tasks.items():
        sensible = name == task.name and min(task.input_size) > 0 and task.num_classes > 0
        require(sensible, f"{space.name}: the task {name!r} is {task}")
    require(space.size is None or space.size > 0, f"{space.name}: size {space.size}")
    space.parse(space.example)


def check_spelling(space: Space[Any]) -> None:
    """`parse` is the inverse of `format`, and equal architectures have equal hashes."""
    for arch in (*_drawn(space), *itertools.islice(space.enumerate(), SAMPLES)):
        text = space.format(arch)
        again = space.parse(text)
        same = again == arch and hash(again) == hash(arch) and space.format(again) == text
        require(same, f"{space.name}: {text!r} reads as {space.format(again)!r}")


def check_refusals(space: Space[Any]) -> None:
    """A text that spells nothing is refused in one line."""
    for text in ("", "nonsense", "[", "{}", "0" * 10_000, "\0", f"{space.example}+"):
        try:
            found = space.parse(text)
        except InputError as error:
            line = str(error)
            require("\n" not in line and len(line) < 1000, f"{space.name}: {line!r} is no line")
        else:
            raise AssertionError(f"{space.name}: {text[:50]!r} was read as {found}")


def check_sampling(space: Space[Any]) -> None:
    """The generator alone decides what is drawn, and not every draw is the same."""
    first, again = _drawn(space), _drawn(space)
    require(first == again, f"{space.name}: the same seed draws something else")
    varied = space.size == 1 or len(set(first)) > 1
    require(varied, f"{space.name}: {SAMPLES} draws are all {first[0]}")


def check_enumeration(space: Space[Any]) -> None:
    """Every architecture comes once, in one order, and there are as many as `size` says."""
    whole = space.size is not None and space.size <= COUNTED
    limit = COUNTED + 1 if whole else 10 * SAMPLES
    found = list(itertools.islice(space.enumerate(), limit))
    require(len(set(found)) == len(found), f"{space.name}: something is enumerated twice")
    again = list(itertools.islice(space.enumerate(), SAMPLES))
    require(again == found[: len(again)], f"{space.name}: the order changes")
    if whole:
        require(len(found) == space.size, f"{space.name}: {len(found)} are {space.size}")


def check_mutation(space: Space[Any]) -> None:
    """Neighbours and mutants are other architectures of the space, always the same ones."""
    for arch in _drawn(space)[:5]:
        near = space.neighbours(arch)
        require(bool(near), f"{space.name}: {arch} has no neighbour")
        require(arch not in near, f"{space.name}: {arch} is its own neighbour")
        require(len(set(near)) == len(near), f"{space.name}: a neighbour of {arch} comes twice")
        require(near == space.neighbours(arch), f"{space.name}: neighbours of {arch} change")
        mutants = [space.mutate(arch, random.Random(seed)) for seed in (0, 0, 1)]
        require(mutants[0] == mutants[1], f"{space.name}: the same seed mutates otherwise")
        for other in (*mutants, *near[:SAMPLES], near[-1]):
            inside = other != arch and space.parse(space.format(other)) == other
            require(inside, f"{space.name}: {other} is no mutant of {arch}")


def check_canonical(space: Space[Any]) -> None:
    """The canonical form depends on the architecture alone and is no constant."""
    drawn = _drawn(space)
    forms = [space.canonical(arch) for arch in drawn]
    again = [space.canonical(space.parse(space.format(arch))) for arch in drawn]
    require(forms == again, f"{space.name}: the canonical form changes with the spelling")
    varied = space.size == 1 or len(set(forms)) > 1
    require(varied, f"{space.name}: every canonical form is {forms[0]!r}")


def check_suggestions(space: Space[Any]) -> None:
    """Any suggestions make an architecture, equal ones the same, others others."""
    found = set()
    for seed in range(SAMPLES):
        arch = space.suggest(RandomTrial(random.Random(seed)))
        again = space.suggest(RandomTrial(random.Random(seed)))
        same = arch == again == space.parse(space.format(arch))
        require(same, f"{space.name}: suggestions make {arch}, then {again}")
        found.add(arch)
    require(space.size == 1 or len(found) > 1, f"{space.name}: suggestions change nothing")


def check_decisions(space: Space[Any]) -> None:
    """`decisions` is the inverse of `suggest`, and says nothing besides.

    Architectures that are drawn, suggested, and made of those by mutation have suggestions.
    """
    rng = random.Random(1)
    found = [*_drawn(space), *(space.suggest(RandomTrial(rng)) for _ in range(SAMPLES))]
    for arch in (*found, *(space.mutate(arch, rng) for arch in found if space.size != 1)):
        decisions = space.decisions(arch)  # raises where they make another network
        trial = GivenTrial(decisions)
        space.suggest(trial)
        beside = sorted(set(decisions) - trial.asked)
        require(not beside, f"{space.name}: the decisions {beside} of {arch} are never asked for")


def check_building(space: Space[Any]) -> None:
    """The seed alone decides the weights, and torch's generator is left as it was."""
    for arch in _drawn(space)[:3]:
        before = torch.get_rng_state()
        first, again, other = (space.build(arch, num_classes=3, seed=seed) for seed in (0, 0, 1))
        untouched = torch.equal(before, torch.get_rng_state())
        require(untouched, f"{space.name}: building moves torch's generator")
        require(first.training, f"{space.name}: {arch} is built in eval mode")
        require(_equal(first, again), f"{space.name}: {arch} differs between equal seeds")
        require(not _equal(first, other), f"{space.name}: the seed does not reach {arch}")
        with torch.device("meta"):
            counted = space.build(arch, num_classes=3)
        shapes = [p.shape for p in counted.parameters()]
        same = shapes == [p.shape for p in first.parameters()]
        require(same, f"{space.name}: {arch} has other parameters on the meta device")


def check_running(space: Space[Any], input_size: tuple[int, ...] | None = None) -> None:
    """Networks take a batch of every task's inputs and give one number a class.

    Args:
        space: The space.
        input_size: Shape of one input in place of the tasks' own, to save time.
    """
    for name, task in space.tasks.items():
        shape = input_size or task.input_size
        for arch in _drawn(space)[:2]:
            network = space.build(arch, task=name, input_size=shape, seed=0)
            out = network(torch.randn(2, *shape, generator=torch.Generator().manual_seed(0)))
            expected = (2, task.num_classes)
            require(tuple(out.shape) == expected, f"{space.name}: {arch} gives {out.shape}")
            out.sum().backward()


SPACE_CHECKS: tuple[Callable[[Space[Any]], None], ...] = (
    check_facts,
    check_spelling,
    check_refusals,
    check_sampling,
    check_enumeration,
    check_mutation,
    check_canonical,
    check_suggestions,
    check_decisions,
    check_building,
    check_running,
)
"""All of them, each a function of a space."""


def _drawn(space: Space[Any]) -> list[Any]:
    rng = random.Random(0)
    return [space.sample(rng) for _ in range(SAMPLES)]


def _equal(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)
