"""Every graph that a module of NAS-Bench-101 can have, each of an isomorphism class once."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gradalign.spaces._nb101_graph import MAX_EDGES, Matrix


@dataclass(frozen=True)
class Graph:
    """The unlabelled graph of a pruned module, which stands for all that are isomorphic to it."""

    matrix: Matrix

    @functools.cached_property
    def symmetries(self) -> tuple[tuple[int, ...], ...]:
        """Reorderings of the inner vertices that leave the matrix as it is; the first is none."""
        vertices = range(len(self.matrix))
        return tuple(
            order[1:-1]
            for order in _orders(len(self.matrix))
            if all(
                self.matrix[order[source]][order[target]] == self.matrix[source][target]
                for source, target in itertools.combinations(vertices, 2)
            )
        )

    def labellings(self, labels: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """One labelling of the inner vertices for each module with this graph, ascending."""
        every = itertools.product(labels, repeat=len(self.matrix) - 2)
        return filter(self.is_least, every)

    def is_least(self, labelling: tuple[int, ...]) -> bool:
        """Whether no symmetry makes a lesser one of it: true of one labelling for each module."""
        return all(
            labelling <= tuple(labelling[vertex - 1] for vertex in order)
            for order in self.symmetries[1:]
        )


@functools.cache
def graphs(vertices: int) -> tuple[Graph, ...]:
    """All of so many vertices with at most nine edges, whose every vertex is alive.

    A matrix is a number here whose bits are its edges, sources varying fastest, as in the published
    enumeration; a class is known by the least number among its matrices.
    """
    places = [(source, target) for target in range(vertices) for source in range(target)]
    bit = {edge: 1 << place for place, edge in enumerate(places)}
    codes = np.arange(1 << len(places), dtype=np.int32)
    codes = codes[sum((codes >> place) & 1 for place in range(len(places))) <= MAX_EDGES]
    for vertex in range(vertices - 1):  # read by something
        codes = codes[codes & sum(bit[edge] for edge in places if edge[0] == vertex) != 0]
    for vertex in range(1, vertices):  # reading something
        codes = codes[codes & sum(bit[edge] for edge in places if edge[1] == vertex) != 0]
    least = codes.copy()
    for order in _orders(vertices):
        moved, backwards = np.zeros_like(codes), 0
        for edge in places:
            source, target = order[edge[0]], order[edge[1]]
            if source < target:
                moved += np.where(codes & bit[edge], bit[source, target], 0).astype(np.int32)
            else:
                backwards |= bit[edge]
        np.minimum(least, moved, out=least, where=codes & backwards == 0)
    return tuple(
        Graph(
            tuple(
                tuple(int(code & bit.get((source, target), 0) > 0) for target in range(vertices))
                for source in range(vertices)
            )
        )
        for code in np.unique(least).tolist()
    )


def _orders(vertices: int) -> Iterator[tuple[int, ...]]:
    """Every order of the vertices that leaves the first and the last where they are."""
    for inner in itertools.permutations(range(1, vertices - 1)):
        yield (0, *inner, vertices - 1)
