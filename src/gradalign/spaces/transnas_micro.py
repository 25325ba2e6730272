"""TransNAS-Bench-101, micro: 4,096 cells of four operations on six edges."""

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._base import SPACES, Space, Task, Trial, exchanged, reject
from gradalign.spaces._cell import EDGES
from gradalign.spaces._flops import count_flops
from gradalign.spaces._transnas_network import (
    CONVENTION,
    FLOPS_CONVENTION,
    TASKS,
    Cell,
    Network,
)
from gradalign.spaces._tuples import read_digits, spell_digits

EXAMPLE = "(0, 3, 3, 3, 3, 2)"

OPERATIONS = (0, 1, 2, 3)
"""None, skip, 1x1 convolution, 3x3 convolution."""

DECISIONS = tuple(f"{node}<-{source}" for node, source in EDGES)
"""How the operations are called where they are suggested: that of node 3 reading node 1 `3<-1`."""

MODULES = (4, 1, 4, 1, 4)


@dataclass(frozen=True)
class Architecture:
    """A cell: the number of the operation on each edge, in the order of `EDGES`.

    Raises:
        InputError: Not six operations, or one that the space does not have.
    """

    operations: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.operations) != len(EDGES):
            raise InputError(
                f"a transnas_micro cell has {len(EDGES)} operations, found {len(self.operations)}"
            )
        for operation in self.operations:
            if operation not in OPERATIONS:
                raise InputError(
                    f"unknown transnas_micro operation {operation}: choose from 0, 1, 2, 3"
                )

    def __str__(self) -> str:
        return TRANSNAS_MICRO.format(self)


class _TransNASMicro(Space[Architecture]):
    """TransNAS-Bench-101's cells; its networks are the published ones by default.

    Options of `build`: `channels` after the stem, 64, and `cells` in each of the five modules, 2.
    The first, third and fifth module double the channels and halve the map.
    """

    name = "transnas_micro"
    size = len(OPERATIONS) ** len(EDGES)
    tasks = TASKS
    options: Mapping[str, int] = {"channels": 64, "cells": 2}
    example = EXAMPLE
    flops_convention = FLOPS_CONVENTION
    description = "cells of four nodes, one of four operations on each of the six edges"
    source = (
        "Duan et al., TransNAS-Bench-101, CVPR 2021 (arXiv 2105.11871); code yawen-d/TransNASBench"
    )
    licence = "MIT"

    def parse(self, text: str) -> Architecture:
        """The cell spelled (a, b, c, d, e, f), which the table spells 64-41414-a_bc_def.

        Example:
            >>> TRANSNAS_MICRO.parse("(0, 3, 3, 3, 3, 2)").operations
            (0, 3, 3, 3, 3, 2)
        """
        try:
            return Architecture(read_digits(text))
        except InputError as fault:
            raise reject(self.name, text, str(fault), EXAMPLE) from None

    def format(self, arch: Architecture) -> str:
        """The spelling of NASLib's published files."""
        return spell_digits(arch.operations)

    def sample(self, rng: random.Random) -> Architecture:
        """A cell whose edges are drawn independently."""
        return Architecture(tuple(rng.choices(OPERATIONS, k=len(EDGES))))

    def enumerate(self) -> Iterator[Architecture]:
        """All 4,096, the last edge varying fastest."""
        return map(Architecture, itertools.product(OPERATIONS, repeat=len(EDGES)))

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """The 18 cells that differ on one edge."""
        changed = exchanged(arch.operations, [OPERATIONS] * len(EDGES))
        return [Architecture(operations) for operations in changed]

    def canonical(self, arch: Architecture) -> str:
        """What reaches the last node, a sum of terms '(sum)@operation'; there are 1,229.

        The input is '0', nothing at all is '#'. A skip is the source itself, save that a skip from
        the input is '(0)@1', as it has weights of its own where the cell reduces. As in nb201 it
        tells the function apart, not the network: an operation that reaches no output is left out,
        and one that is read twice is written twice, so isomorphic networks can differ in
        parameters.

        Example:
            >>> TRANSNAS_MICRO.canonical(TRANSNAS_MICRO.parse("(3, 1, 0, 2, 1, 2)"))
            '((0)@1)@2+(0)@2+(0)@3'
        """
        nodes: list[list[str]] = [["0"], [], [], []]
        for (node, source), operation in zip(EDGES, arch.operations, strict=True):
            if operation == 0 or not nodes[source]:
                continue
            if operation == 1 and source != 0:
                nodes[node] += nodes[source]
            else:
                nodes[node].append(f"({'+'.join(sorted(nodes[source]))})@{operation}")
        return "+".join(sorted(nodes[-1])) or "#"

    def suggest(self, trial: Trial) -> Architecture:
        """One operation an edge, named after it: `3<-1` is node 3 reading node 1."""
        return Architecture(
            tuple(trial.suggest_categorical(name, OPERATIONS) for name in DECISIONS)
        )

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """The operation of every edge."""
        return dict(zip(DECISIONS, arch.operations, strict=True))

    def published_flops(self, arch: Architecture | str, task: str | None = None) -> float:
        """As NASLib's published files count them; the text is in `flops_convention`."""
        return count_flops(lambda: self.build(arch, task=task), self.task(task), CONVENTION)

    def _build(self, arch: Architecture, task: Task, options: Mapping[str, int]) -> nn.Module:
        return Network(
            MODULES,
            partial(Cell, arch.operations),
            channels=options["channels"],
            blocks=options["cells"],
            num_classes=task.num_classes,
        )


TRANSNAS_MICRO = _TransNASMicro()
SPACES.add(TRANSNAS_MICRO.name, TRANSNAS_MICRO)
