"""TransNAS-Bench-101, macro: 3,256 sequences of four to six residual modules."""

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._base import SPACES, Space, Task, Trial, reject
from gradalign.spaces._flops import count_flops
from gradalign.spaces._transnas_network import (
    CONVENTION,
    FLOPS_CONVENTION,
    TASKS,
    BasicBlock,
    Network,
    doubles,
    halves,
)
from gradalign.spaces._tuples import read_digits, spell_digits

EXAMPLE = "(2, 3, 1, 1)"

MODULES = (1, 2, 3, 4)
"""Plain, doubling the channels, halving the map, both."""

FEWEST, MOST = 4, 6
"""Modules in a network."""

MOST_HALVINGS = 4
MOST_DOUBLINGS = 3


@dataclass(frozen=True)
class Architecture:
    """The numbers of the modules, first to last.

    Raises:
        InputError: Not four to six modules, one that the space does not have, or not one to four
            that halve the map and one to three that double the channels.
    """

    modules: tuple[int, ...]

    def __post_init__(self) -> None:
        if fault := _fault(self.modules):
            raise InputError(fault)

    def __str__(self) -> str:
        return TRANSNAS_MACRO.format(self)


class _TransNASMacro(Space[Architecture]):
    """TransNAS-Bench-101's macro networks; they are the published ones by default.

    Options of `build`: `channels` after the stem, 64, and `blocks` in each module, 2.
    """

    name = "transnas_macro"
    size = 3256
    tasks = TASKS
    options: Mapping[str, int] = {"channels": 64, "blocks": 2}
    example = EXAMPLE
    flops_convention = FLOPS_CONVENTION
    description = "four to six residual modules: where channels double and where the map halves"
    source = (
        "Duan et al., TransNAS-Bench-101, CVPR 2021 (arXiv 2105.11871); code yawen-d/TransNASBench"
    )
    licence = "MIT"

    def parse(self, text: str) -> Architecture:
        """The sequence spelled (a, b, c, d), which the table spells 64-abcd-basic.

        Example:
            >>> TRANSNAS_MACRO.parse("(2, 3, 1, 1)").modules
            (2, 3, 1, 1)
        """
        try:
            return Architecture(read_digits(text))
        except InputError as fault:
            raise reject(self.name, text, str(fault), EXAMPLE) from None

    def format(self, arch: Architecture) -> str:
        """The spelling of NASLib's published files."""
        return spell_digits(arch.modules)

    def sample(self, rng: random.Random) -> Architecture:
        """One of all sequences, each as likely as any other."""
        return rng.choice(_everything())

    def enumerate(self) -> Iterator[Architecture]:
        """All 3,256, the short ones first, the last module varying fastest."""
        return iter(_everything())

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """Those with one module exchanged, left out, or put in anywhere."""
        given = arch.modules
        exchanged = (
            (*given[:position], kind, *given[position + 1 :])
            for position in range(len(given))
            for kind in MODULES
            if kind != given[position]
        )
        shortened = ((*given[:position], *given[position + 1 :]) for position in range(len(given)))
        lengthened = (
            (*given[:position], kind, *given[position:])
            for position in range(len(given) + 1)
            for kind in MODULES
        )
        return _valid(dict.fromkeys(itertools.chain(exchanged, shortened, lengthened)))

    def canonical(self, arch: Architecture) -> str:
        """The spelling: every sequence is a network of its own."""
        return self.format(arch)

    def suggest(self, trial: Trial) -> Architecture:
        """How many modules there are, and which of them halve the map and double the channels.

        A choice is asked for only where the limits of the space leave one.
        """
        count = trial.suggest_int("modules", FEWEST, MOST)

        def choose(verb: str, most: int) -> list[bool]:
            chosen: list[bool] = []
            for name in _names(verb, count):
                left = _left(chosen, count, most)
                one = len(left) == 1
                chosen.append(left[0] if one else trial.suggest_categorical(name, left))
            return chosen

        sides = zip(choose("halve", MOST_HALVINGS), choose("double", MOST_DOUBLINGS), strict=True)
        return Architecture(tuple(1 + double + 2 * halve for halve, double in sides))

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """The number of modules, and the choices that the limits leave."""
        count = len(arch.modules)
        found: dict[str, Any] = {"modules": count}
        for verb, does, most in (
            ("halve", halves, MOST_HALVINGS),
            ("double", doubles, MOST_DOUBLINGS),
        ):
            chosen = [does(kind) for kind in arch.modules]
            for position, name in enumerate(_names(verb, count)):
                if len(_left(chosen[:position], count, most)) > 1:
                    found[name] = chosen[position]
        return found

    def published_flops(self, arch: Architecture | str, task: str | None = None) -> float:
        """As NASLib's published files count them; the text is in `flops_convention`."""
        return count_flops(lambda: self.build(arch, task=task), self.task(task), CONVENTION)

    def _build(self, arch: Architecture, task: Task, options: Mapping[str, int]) -> nn.Module:
        return Network(arch.modules, BasicBlock, num_classes=task.num_classes, **options)


TRANSNAS_MACRO = _TransNASMacro()
SPACES.add(TRANSNAS_MACRO.name, TRANSNAS_MACRO)


def _fault(modules: tuple[int, ...]) -> str | None:
    """What keeps a sequence from being in the space, if anything does."""
    if not FEWEST <= len(modules) <= MOST:
        return f"a transnas_macro network has {FEWEST} to {MOST} modules, found {len(modules)}"
    for kind in modules:
        if kind not in MODULES:
            return f"unknown transnas_macro module {kind}: choose from 1, 2, 3, 4"
    halvings, doublings = sum(map(halves, modules)), sum(map(doubles, modules))
    if not 1 <= halvings <= MOST_HALVINGS:
        return f"1 to {MOST_HALVINGS} modules must halve the map (3 or 4), found {halvings}"
    if not 1 <= doublings <= MOST_DOUBLINGS:
        return f"1 to {MOST_DOUBLINGS} modules must double the channels (2 or 4), found {doublings}"
    return None


def _valid(sequences: Iterable[tuple[int, ...]]) -> list[Architecture]:
    """Those that are in the space."""
    return [Architecture(modules) for modules in sequences if _fault(modules) is None]


@cache
def _everything() -> tuple[Architecture, ...]:
    lengths = range(FEWEST, MOST + 1)
    return tuple(
        arch for count in lengths for arch in _valid(itertools.product(MODULES, repeat=count))
    )


def _names(verb: str, count: int) -> list[str]:
    """How it is called where it is suggested whether each of `count` modules does it."""
    return [f"{verb}_{position}" for position in range(count)]


def _left(chosen: Sequence[bool], count: int, most: int) -> tuple[bool, ...]:
    """What the next of `count` modules may be, as at least one does it and no more than `most`."""
    if sum(chosen) == most:
        return (False,)
    if len(chosen) == count - 1 and not any(chosen):
        return (True,)
    return (False, True)
