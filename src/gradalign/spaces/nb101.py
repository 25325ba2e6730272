"""NAS-Bench-101: 423,624 modules, graphs of at most seven vertices and nine edges."""

import functools
import itertools
import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._base import SPACES, Space, Task, Trial, reject, tasks
from gradalign.spaces._nb101_architecture import NAMES, Architecture, read
from gradalign.spaces._nb101_classes import Graph, graphs
from gradalign.spaces._nb101_graph import (
    INPUT,
    MAX_VERTICES,
    OUTPUT,
    fits,
    flipped,
    mended,
    module_hash,
    padded,
    pruned,
)
from gradalign.spaces._nb101_network import Network

EDGES = {
    f"{target}<-{source}": (source, target)
    for source, target in itertools.combinations(range(MAX_VERTICES), 2)
}
"""The edges of seven vertices, by what they are called where they are suggested."""

INNER = tuple(f"op {vertex}" for vertex in range(1, MAX_VERTICES - 1))
"""How the operations of seven vertices are called where they are suggested."""

EXAMPLE = '{"matrix":[[0,1,1],[0,0,1],[0,0,0]],"ops":["input","conv3x3-bn-relu","output"]}'


class _NB101(Space[Architecture]):
    """NAS-Bench-101; its networks are the published ones with `stem_channels` 128 and `modules` 3.

    Options of `build`: `stem_channels` of the stem and the first stack (doubled in the second and
    the third), and `modules` in each of the three stacks.
    """

    name = "nb101"
    size = 423_624
    tasks = tasks(Task(name="cifar10", input_size=(3, 32, 32), num_classes=10))
    options: Mapping[str, int] = {"stem_channels": 128, "modules": 3}
    example = EXAMPLE
    reference = re.compile(r"[0-9a-f]{32}")
    description = "modules of at most seven vertices and nine edges, one of three operations each"
    source = (
        "Ying et al., NAS-Bench-101, ICML 2019 (arXiv 1902.09635); code google-research/nasbench"
    )
    licence = "Apache-2.0"

    def parse(self, text: str) -> Architecture:
        """The module that a JSON object with a `matrix` and `ops` spells.

        Example:
            >>> NB101.parse(EXAMPLE).ops[1]
            'conv3x3-bn-relu'
        """
        if self.reference.fullmatch(text.strip()):
            raise InputError(
                f"the nb101 module hash {text.strip()!r} is looked up in the published table "
                f"(`gradalign data fetch nb101`); without it give the module itself: {EXAMPLE}"
            )
        try:
            return read(text)
        except InputError as fault:
            raise reject(self.name, text, str(fault), EXAMPLE) from None

    def format(self, arch: Architecture) -> str:
        """The same object, without spaces."""
        return str(arch)

    def sample(self, rng: random.Random) -> Architecture:
        """One of the 423,624 modules, as `enumerate` spells it.

        The graph is drawn in proportion to its labellings, and a labelling of it; both are drawn
        again unless it is the one that stands for its module.
        """
        every, cumulative = _weighted_graphs()
        while True:
            (graph,) = rng.choices(every, cum_weights=cumulative)
            labelling = tuple(rng.choices(range(len(NAMES)), k=len(graph.matrix) - 2))
            if graph.is_least(labelling):
                return _module(graph, labelling)

    def enumerate(self) -> Iterator[Architecture]:
        """All 423,624, in the order and the spelling of the published enumeration."""
        for vertices in range(2, MAX_VERTICES + 1):
            for graph in graphs(vertices):
                for labelling in graph.labellings(range(len(NAMES))):
                    yield _module(graph, labelling)

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """Every module that one edge more or less, or one other operation, makes of it.

        A spelling of fewer than seven vertices has others without edges put before its output
        first, so that modules can grow. Many changes concern vertices that are on no path: they
        lead to another spelling of the same module, and from there on.
        """
        grown = _grown(arch)
        matrix, ops = grown.matrix, grown.ops
        vertices = len(ops)
        changed = [flipped(matrix, *edge) for edge in itertools.combinations(range(vertices), 2)]
        return [Architecture(other, ops) for other in changed if fits(other)] + [
            Architecture(matrix, (*ops[:vertex], other, *ops[vertex + 1 :]))
            for vertex in range(1, vertices - 1)
            for other in NAMES
            if other != ops[vertex]
        ]

    def canonical(self, arch: Architecture) -> str:
        """The published hash of the module without what is on no path, of which there are 423,624.

        Isomorphic modules have the same vertices and edges, but where the output's channels cannot
        be shared out evenly among the vertices that it joins, the spelling decides which get one
        more: their networks can differ in a few parameters.

        Example:
            >>> NB101.canonical(NB101.parse(EXAMPLE))
            'd32d0b26d534203b48d866facd98cc3e'
        """
        labels = (INPUT, *(NAMES.index(name) for name in arch.inner), OUTPUT)
        return module_hash(pruned(arch.matrix), labels)

    def suggest(self, trial: Trial) -> Architecture:
        """Seven vertices: for each edge whether it is there, for each inner one its operation.

        `2<-0` says whether vertex 2 reads the input, `op 2` what it does. Every module can come of
        it. Suggestions outside the space are mended, always in the same way: where no path leads
        from the input to the output, the output reads the input; while more than nine edges are
        on such paths, that one is left out without which most vertices still are, and of several
        the last.
        """
        edge = {ends: trial.suggest_categorical(name, (0, 1)) for name, ends in EDGES.items()}
        inner = [trial.suggest_categorical(name, NAMES) for name in INNER]
        every = range(MAX_VERTICES)
        matrix = tuple(tuple(edge.get((source, target), 0) for target in every) for source in every)
        return Architecture(mended(matrix), ("input", *inner, "output"))

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """Those of its spelling with seven vertices, which makes the same network.

        Vertices without edges are put before the output; of a spelling of more than seven, what is
        on no path is left out.
        """
        grown = _grown(arch if len(arch.ops) <= MAX_VERTICES else _pruned(arch))
        edges = {name: grown.matrix[source][target] for name, (source, target) in EDGES.items()}
        return edges | dict(zip(INNER, grown.ops[1:-1], strict=True))

    def _build(self, arch: Architecture, task: Task, options: Mapping[str, int]) -> nn.Module:
        matrix = pruned(arch.matrix)
        joined = sum(row[-1] for row in matrix[1:])
        if options["stem_channels"] < joined:
            raise InputError(
                f"stem_channels is {options['stem_channels']}: the output of this module joins "
                f"{joined} vertices, so at least {joined} are needed"
            )
        return Network(matrix, arch.inner, num_classes=task.num_classes, **options)


NB101 = _NB101()
SPACES.add(NB101.name, NB101)


def _grown(arch: Architecture) -> Architecture:
    """The spelling with seven vertices: those that it lacks are put before the output, unread."""
    vertices = max(MAX_VERTICES, len(arch.ops))
    added = NAMES[:1] * (vertices - len(arch.ops))
    ops = (*arch.ops[:-1], *added, arch.ops[-1])
    return Architecture(padded(arch.matrix, vertices), ops)


def _pruned(arch: Architecture) -> Architecture:
    """The spelling without what is on no path."""
    return Architecture(pruned(arch.matrix), ("input", *arch.inner, "output"))


@functools.cache
def _weighted_graphs() -> tuple[tuple[Graph, ...], tuple[int, ...]]:
    """Every graph of the space, and the number of labellings of it and those before it."""
    every = tuple(itertools.chain(*map(graphs, range(2, MAX_VERTICES + 1))))
    labellings = (len(NAMES) ** (len(graph.matrix) - 2) for graph in every)
    return every, tuple(itertools.accumulate(labellings))


def _module(graph: Graph, labelling: tuple[int, ...]) -> Architecture:
    inner = (NAMES[label] for label in labelling)
    return Architecture(graph.matrix, ("input", *inner, "output"))
