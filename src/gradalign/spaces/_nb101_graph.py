"""Modules of NAS-Bench-101 as graphs: what of them is alive, and their published hash."""

import hashlib
import itertools
from collections.abc import Sequence

Matrix = tuple[tuple[int, ...], ...]
"""[source, target]: 1 where target reads source. Vertex 0 is the input, the last the output."""

MAX_VERTICES = 7

MAX_EDGES = 9

INPUT, OUTPUT = -1, -2
"""Labels of the first and the last vertex in the published hash; an operation's is its index."""


def live(matrix: Matrix) -> list[int]:
    """Vertices on a path from the input to the output, ascending; none where there is no path."""
    last = len(matrix) - 1
    reached = {0}
    for target in range(1, last + 1):
        if any(matrix[source][target] for source in reached):
            reached.add(target)
    reaching = {last} & reached
    for source in reversed(range(last)):
        if source in reached and any(matrix[source][target] for target in reaching):
            reaching.add(source)
    return sorted(reaching)


def pruned(matrix: Matrix) -> Matrix:
    """The live vertices alone, in the order given."""
    kept = live(matrix)
    return tuple(tuple(matrix[source][target] for target in kept) for source in kept)


def edges(matrix: Matrix) -> list[tuple[int, int]]:
    """(source, target) between live vertices, ascending."""
    kept = live(matrix)
    return [
        (source, target)
        for source, target in itertools.combinations(kept, 2)
        if matrix[source][target]
    ]


def fits(matrix: Matrix) -> bool:
    """Whether what is alive is a module of the space: there is something, and not too much."""
    return 0 < len(live(matrix)) <= MAX_VERTICES and len(edges(matrix)) <= MAX_EDGES


def flipped(matrix: Matrix, source: int, target: int) -> Matrix:
    """The matrix with that edge where it had none, and without it where it had one."""
    row = matrix[source]
    changed = (*row[:target], 1 - row[target], *row[target + 1 :])
    return (*matrix[:source], changed, *matrix[source + 1 :])


def padded(matrix: Matrix, vertices: int) -> Matrix:
    """The matrix with so many vertices; those added are put before the output, without edges."""
    extra = (0,) * (vertices - len(matrix))
    rows = [(*row[:-1], *extra, row[-1]) for row in matrix]
    return (*rows[:-1], *[(0,) * vertices for _ in extra], rows[-1])


def mended(matrix: Matrix) -> Matrix:
    """A module of the space from any matrix of at most seven vertices; one that is stays as it is.

    Where no path leads from the input to the output, the output reads the input. While more than
    nine edges are alive, that one goes without which most vertices are; of several, the last.
    """
    if not live(matrix):
        return flipped(matrix, 0, len(matrix) - 1)
    while not fits(matrix):
        smaller = [flipped(matrix, *edge) for edge in reversed(edges(matrix))]
        matrix = max(smaller, key=lambda other: len(live(other)))
    return matrix


def module_hash(matrix: Matrix, labels: Sequence[int]) -> str:
    """The published name of a module, the same however its vertices are ordered.

    Each vertex is hashed from its degrees and label, then as often as there are vertices again from
    its neighbours' hashes and its own; the module is hashed from the sorted hashes of its vertices.

    Args:
        matrix: That of a pruned module.
        labels: One a vertex.

    Source:
        Ying et al., NAS-Bench-101, ICML 2019 (arXiv 1902.09635); `hash_module`.
    """
    vertices = range(len(matrix))
    before = [[other for other in vertices if matrix[other][v]] for v in vertices]
    after = [[other for other in vertices if matrix[v][other]] for v in vertices]
    hashes = [_md5(str((len(after[v]), len(before[v]), labels[v]))) for v in vertices]
    for _ in vertices:
        arriving, leaving = (
            ["".join(sorted(hashes[other] for other in others)) for others in side]
            for side in (before, after)
        )
        hashes = [_md5("|".join(each)) for each in zip(arriving, leaving, hashes, strict=True)]
    return _md5(str(sorted(hashes)))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
