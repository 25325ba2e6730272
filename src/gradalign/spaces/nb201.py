"""NAS-Bench-201: 15,625 cells of five operations on six edges."""

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._base import SPACES, Space, Task, Trial, exchanged, quoted, reject, tasks
from gradalign.spaces._cell import EDGES
from gradalign.spaces._flops import Convention, count_flops
from gradalign.spaces._nb201_network import OPERATIONS, Network

EXAMPLE = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
)

DECISIONS = tuple(f"{node}<-{source}" for node, source in EDGES)
"""How the operations are called where they are suggested: that of node 3 reading node 1 `3<-1`."""

CONVENTION = Convention(norm=2, relu=1, pool=1, adaptive_margin=1)


@dataclass(frozen=True)
class Architecture:
    """A cell: the operation on each edge, in the order of `EDGES`.

    Raises:
        InputError: Not six operations, or one that the space does not have.
    """

    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.operations) != len(EDGES):
            raise InputError(
                f"an nb201 cell has {len(EDGES)} operations, found {len(self.operations)}"
            )
        for operation in self.operations:
            if operation not in OPERATIONS:
                raise InputError(
                    f"unknown nb201 operation {quoted(operation)}: "
                    f"choose from {', '.join(OPERATIONS)}"
                )

    def __str__(self) -> str:
        return NB201.format(self)


class _NB201(Space[Architecture]):
    """NAS-Bench-201; its networks are the published ones with `channels` 16 and `cells` 5.

    Options of `build`: `channels` of the first stage (doubled in the second and the third), and
    `cells` in each of the three stages.
    """

    name = "nb201"
    size = len(OPERATIONS) ** len(EDGES)
    tasks = tasks(
        Task(name="cifar10", input_size=(3, 32, 32), num_classes=10),
        Task(name="cifar100", input_size=(3, 32, 32), num_classes=100),
        Task(name="imagenet16-120", input_size=(3, 16, 16), num_classes=120),
    )
    options: Mapping[str, int] = {"channels": 16, "cells": 5}
    example = EXAMPLE
    flops_convention = (
        "multiply-adds, 2 for each normalised element, 1 for each element of a ReLU, 1 for each "
        "value that a pooling reads, (h + 1)(w + 1) for each channel of the last one"
    )
    description = "cells of four nodes, one of five operations on each of the six edges"
    source = "Dong & Yang, NAS-Bench-201, ICLR 2020 (arXiv 2001.00326); code D-X-Y/AutoDL-Projects"
    licence = "MIT"

    def parse(self, text: str) -> Architecture:
        """The cell spelled |op~0|+|op~0|op~1|+|op~0|op~1|op~2|.

        Example:
            >>> NB201.parse(EXAMPLE).operations[-1]
            'nor_conv_1x1'
        """
        nodes = text.strip().split("+")
        if len(nodes) != 3:
            raise _malformed(text, f"found {len(nodes)} parts between '+' where 3 nodes are needed")
        try:
            found = [_operations(node, number) for number, node in enumerate(nodes, start=1)]
            return Architecture(tuple(itertools.chain(*found)))
        except InputError as fault:
            raise _malformed(text, str(fault)) from None

    def format(self, arch: Architecture) -> str:
        """The published spelling."""
        nodes = ["", "", ""]
        for (node, source), operation in zip(EDGES, arch.operations, strict=True):
            nodes[node - 1] += f"|{operation}~{source}"
        return "+".join(f"{node}|" for node in nodes)

    def sample(self, rng: random.Random) -> Architecture:
        """A cell whose edges are drawn independently."""
        return Architecture(tuple(rng.choices(tuple(OPERATIONS), k=len(EDGES))))

    def enumerate(self) -> Iterator[Architecture]:
        """All 15,625, the last edge varying fastest; not in the order of the published index."""
        return map(Architecture, itertools.product(OPERATIONS, repeat=len(EDGES)))

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """The 24 cells that differ on one edge."""
        changed = exchanged(arch.operations, [OPERATIONS] * len(EDGES))
        return [Architecture(operations) for operations in changed]

    def canonical(self, arch: Architecture) -> str:
        """The published isomorphism string, of which there are 6,466.

        A node is the sorted sum of what arrives: `none`, and anything on a node that is nothing but
        zero, is '#'; `skip_connect` is the source itself; else '(source)@operation'. It tells the
        function apart, not the network: a convolution that reaches no output is left out, and one
        that is read twice is written twice, so isomorphic networks can differ in parameters.

        Source:
            Dong et al., NATS-Bench (arXiv 2009.00437); `to_unique_str(consider_zero=True)`.

        Example:
            >>> NB201.canonical(NB201.parse(
            ...     "|none~0|+|none~0|none~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"))
            '#+(#+#)@nor_conv_3x3+0'
        """
        return _expressions(arch)[-1]

    def network_key(self, arch: Architecture) -> str:
        """The canonical form, and each convolution with what it reads and how often it is read.

        A convolution that leads nowhere has weights all the same, and one that is read twice has
        them once: networks of one canonical form differ in both.

        Example:
            >>> cells = [NB201.parse(f"|none~0|+|none~0|{op}~1|+|skip_connect~0|none~1|none~2|")
            ...          for op in ("none", "nor_conv_3x3")]
            >>> NB201.canonical(cells[0]) == NB201.canonical(cells[1])
            True
            >>> NB201.network_key(cells[1])
            '#+#+0 #@nor_conv_3x3x0'
        """
        arriving = _expressions(arch)
        uses = [0, 0, 0, 1]  # paths from each node to the output
        for (node, source), operation in reversed(list(zip(EDGES, arch.operations, strict=True))):
            if operation != "none":
                uses[source] += uses[node]
        convolutions = sorted(
            f"{arriving[source]}@{operation}x{uses[node]}"
            for (node, source), operation in zip(EDGES, arch.operations, strict=True)
            if operation.startswith("nor_conv")
        )
        return " ".join([arriving[-1], *convolutions])

    def suggest(self, trial: Trial) -> Architecture:
        """One operation an edge, named after it: `3<-1` is node 3 reading node 1."""
        operations = tuple(OPERATIONS)
        return Architecture(
            tuple(trial.suggest_categorical(name, operations) for name in DECISIONS)
        )

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """The operation of every edge."""
        return dict(zip(DECISIONS, arch.operations, strict=True))

    def published_flops(self, arch: Architecture | str, task: str | None = None) -> float:
        """As the published table counts them; its text is in `flops_convention`."""
        return count_flops(lambda: self.build(arch, task=task), self.task(task), CONVENTION)

    def _build(self, arch: Architecture, task: Task, options: Mapping[str, int]) -> nn.Module:
        return Network(arch.operations, num_classes=task.num_classes, **options)


NB201 = _NB201()
SPACES.add(NB201.name, NB201)


def _expressions(arch: Architecture) -> list[str]:
    """The sum that arrives at each of the four nodes, written out."""
    arriving: list[list[str]] = [["0"], [], [], []]
    for (node, source), operation in zip(EDGES, arch.operations, strict=True):
        value = "+".join(sorted(arriving[source]))
        if operation == "none" or value == "#":
            value = "#"
        elif operation != "skip_connect":
            value = f"({value})@{operation}"
        arriving[node].append(value)
    return ["+".join(sorted(values)) for values in arriving]


def _operations(node: str, number: int) -> list[str]:
    """The operations of node `number`, spelled |op~0|op~1|..., with as many edges as its number."""
    first, *edges, last = node.split("|") if "|" in node else ("", node)
    if first or last:
        raise InputError(f"node {number} must begin and end with '|', found {quoted(node)}")
    if len(edges) != number:
        raise InputError(f"node {number} needs {number} edges, found {len(edges)}")
    operations = []
    for source, edge in enumerate(edges):
        operation, _, origin = edge.rpartition("~")
        if origin != str(source) or not operation:
            raise InputError(
                f"edge {quoted(edge)} of node {number} must be 'operation~{source}', as it comes "
                f"from node {source}"
            )
        operations.append(operation)
    return operations


def _malformed(text: str, fault: str) -> InputError:
    return reject("nb201", text, fault, EXAMPLE)
