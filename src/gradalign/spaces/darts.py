"""DARTS: two cells of four nodes, each node the sum of two operations on earlier nodes."""

import itertools
import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._base import SPACES, Space, Task, Trial, reject, tasks
from gradalign.spaces._darts_network import Network
from gradalign.spaces._genotype import INPUTS, Cell, Edge, Genotype, parse_genotype

EXAMPLE = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""What a search ends in; during it, and in published samples, edges may also have `none`."""

NODES = (2, 3, 4, 5)

PAIRS = {node: tuple(itertools.combinations(range(node), 2)) for node in NODES}
"""The two earlier nodes that each node may read."""


@dataclass(frozen=True)
class Architecture(Genotype):
    """A normal and a reduction cell of four nodes, all of which make the output.

    Raises:
        InputError: Another number of nodes, another output, or an unknown operation.
    """

    def __post_init__(self) -> None:
        self.check(("none", *OPERATIONS))
        for cell in (self.normal, self.reduce):
            if len(cell.pairs) != len(NODES) or cell.concat != NODES:
                raise InputError(
                    f"a darts cell has {2 * len(NODES)} edges and the output {list(NODES)}, "
                    f"found {len(cell.edges)} and {list(cell.concat)}"
                )


class _DARTS(Space[Architecture]):
    """The space of DARTS; its networks are the published ones with `channels` 36 and `layers` 20.

    `sample`, `enumerate` and `suggest` stay with what a search can end in: two different sources a
    node, in ascending order, and no `none`. `parse` also takes what published samples hold: `none`,
    both edges of a node from one source, and any order.

    Options of `build`: `channels` of a node in the first stage (doubled by each reduction), and
    `layers`, the number of cells. The defaults are those of the search.
    """

    name = "darts"
    size = math.prod(len(pairs) * len(OPERATIONS) ** 2 for pairs in PAIRS.values()) ** 2
    tasks = tasks(
        Task(name="cifar10", input_size=(3, 32, 32), num_classes=10),
        Task(name="cifar100", input_size=(3, 32, 32), num_classes=100),
        Task(name="imagenet", input_size=(3, 224, 224), num_classes=1000),
    )
    options: Mapping[str, int] = {"channels": 16, "layers": 8}
    example = EXAMPLE
    description = "a normal and a reduction cell, each of four nodes with two of seven operations"
    source = "Liu et al., DARTS, ICLR 2019 (arXiv 1806.09055); code quark0/darts"
    licence = "Apache-2.0"

    def parse(self, text: str) -> Architecture:
        """The genotype, spelled as the published code prints it.

        Example:
            >>> DARTS.parse(EXAMPLE).normal.pairs[-1]
            (('skip_connect', 0), ('dil_conv_3x3', 2))
        """
        try:
            genotype = parse_genotype(text)
            return Architecture(genotype.normal, genotype.reduce)
        except InputError as fault:
            raise reject("darts", text, str(fault), EXAMPLE) from None

    def format(self, arch: Architecture) -> str:
        """The published spelling."""
        return str(arch)

    def sample(self, rng: random.Random) -> Architecture:
        """Two cells whose nodes are drawn independently."""

        def cell() -> Cell:
            edges: list[Edge] = []
            for pairs in PAIRS.values():
                edges += [(rng.choice(OPERATIONS), source) for source in rng.choice(pairs)]
            return Cell(tuple(edges), NODES)

        return Architecture(cell(), cell())

    def enumerate(self) -> Iterator[Architecture]:
        """All 1,037,664,180^2, the last node of the reduction cell varying fastest."""
        for normal in _cells():
            for reduce in _cells():
                yield Architecture(normal, reduce)

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """Every other operation on one edge, every other source that its node does not yet read.

        The two edges of the node that changes come in ascending order of their sources.
        """
        found = [replace(arch, normal=cell) for cell in _changed(arch.normal)]
        found += [replace(arch, reduce=cell) for cell in _changed(arch.reduce)]
        return list(dict.fromkeys(found))

    def canonical(self, arch: Architecture) -> str:
        """Both cells with their nodes in a fixed order, whatever the order they are spelled in.

        Two cells that share it are one graph: the order of a node's edges does not matter, nodes
        may change places, and `none` is the same from everywhere.
        """
        return arch.canonical()

    def suggest(self, trial: Trial) -> Architecture:
        """For each node its sources and two operations, named `normal.3.sources`, `normal.3.a`."""

        def cell(kind: str) -> Cell:
            edges: list[Edge] = []
            for node, pairs in PAIRS.items():
                sources, *operations = _names(kind, node)
                by_text = {_spelled(pair): pair for pair in pairs}
                chosen = by_text[trial.suggest_categorical(sources, list(by_text))]
                edges += [
                    (trial.suggest_categorical(name, OPERATIONS), source)
                    for name, source in zip(operations, chosen, strict=True)
                ]
            return Cell(tuple(edges), NODES)

        return Architecture(cell("normal"), cell("reduce"))

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """The sources and the operations of every node."""
        found: dict[str, Any] = {}
        for kind, cell in (("normal", arch.normal), ("reduce", arch.reduce)):
            for node, pair in zip(NODES, cell.pairs, strict=True):
                sources = _spelled(source for _, source in pair)
                values = (sources, *(operation for operation, _ in pair))
                found |= zip(_names(kind, node), values, strict=True)
        return found

    def _build(self, arch: Architecture, task: Task, options: Mapping[str, int]) -> nn.Module:
        return Network(
            arch, imagenet=task.name == "imagenet", num_classes=task.num_classes, **options
        )


DARTS = _DARTS()
SPACES.add(DARTS.name, DARTS)


def _names(kind: str, node: int) -> list[str]:
    """How a node's sources and its two operations are called where they are suggested."""
    return [f"{kind}.{node}.{what}" for what in ("sources", "a", "b")]


def _spelled(sources: Iterable[int]) -> str:
    return ",".join(map(str, sources))


def _cells() -> Iterator[Cell]:
    """All 1,037,664,180 cells."""
    choices = [
        [
            ((first, a), (second, b))
            for a, b in pairs
            for first, second in itertools.product(OPERATIONS, repeat=2)
        ]
        for pairs in PAIRS.values()
    ]
    for nodes in itertools.product(*choices):
        yield Cell(tuple(itertools.chain(*nodes)), NODES)


def _changed(cell: Cell) -> Iterator[Cell]:
    """Every cell that one changed operation or source makes of it."""
    for position, (operation, source) in enumerate(cell.edges):
        node = INPUTS + position // 2
        partner = cell.edges[position ^ 1]
        edges = [(other, source) for other in OPERATIONS if other != operation]
        edges += [(operation, other) for other in range(node) if other not in (source, partner[1])]
        for edge in edges:
            yield cell.with_node(node, sorted((edge, partner), key=lambda each: each[1]))
