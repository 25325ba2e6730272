"""Modules of NAS-Bench-101 as they are spelled: a JSON object with a matrix and operations."""

import json
from dataclasses import dataclass
from typing import Any

from gradalign.errors import InputError
from gradalign.spaces._base import quoted
from gradalign.spaces._nb101_graph import MAX_EDGES, MAX_VERTICES, Matrix, edges, fits, live
from gradalign.spaces._nb101_network import OPERATIONS

NAMES = tuple(OPERATIONS)


@dataclass(frozen=True)
class Architecture:
    """A module as it was given; vertices that are on no path from input to output are kept.

    Args:
        matrix: [source, target], upper triangular: 1 where the target reads the source.
        ops: 'input', an operation for each inner vertex, 'output'.

    Raises:
        InputError: A malformed matrix, an operation that the space does not have, or a module that
            is outside the space: no path from input to output, or more than seven vertices or nine
            edges on such paths.
    """

    matrix: Matrix
    ops: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_ops(self.ops)
        _check_matrix(self.matrix, len(self.ops))
        if fits(self.matrix):
            return
        if not live(self.matrix):
            raise InputError("no path leads from the input to the output")
        raise InputError(
            f"{len(live(self.matrix))} vertices and {len(edges(self.matrix))} edges lie on paths "
            f"from the input to the output: at most {MAX_VERTICES} and {MAX_EDGES} may"
        )

    @property
    def inner(self) -> tuple[str, ...]:
        """Operations of the inner vertices that are alive, in the order given."""
        return tuple(self.ops[vertex] for vertex in live(self.matrix)[1:-1])

    def __str__(self) -> str:
        return json.dumps({"matrix": self.matrix, "ops": self.ops}, separators=(",", ":"))


def read(text: str) -> Architecture:
    """The module that a JSON text spells.

    Raises:
        InputError: What is wrong in it, without the text.
    """
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON ({error})") from None
    if not isinstance(given, dict) or set(given) != {"matrix", "ops"}:
        raise InputError("a JSON object with 'matrix' and 'ops' and nothing else is needed")
    matrix, ops = given["matrix"], given["ops"]
    if not isinstance(matrix, list) or not all(isinstance(row, list) for row in matrix):
        raise InputError("'matrix' must be a list of rows, each a list of 0 and 1")
    if not isinstance(ops, list):
        raise InputError("'ops' must be a list of names")
    return Architecture(tuple(map(tuple, matrix)), tuple(ops))


def _check_ops(ops: tuple[Any, ...]) -> None:
    if len(ops) < 2 or ops[0] != "input" or ops[-1] != "output":
        raise InputError("'ops' must begin with 'input' and end with 'output'")
    for name in ops[1:-1]:
        if name not in NAMES:
            raise InputError(
                f"unknown nb101 operation {quoted(str(name))}: choose from {', '.join(NAMES)}"
            )


def _check_matrix(matrix: tuple[tuple[Any, ...], ...], vertices: int) -> None:
    if len(matrix) != vertices or any(len(row) != vertices for row in matrix):
        raise InputError(
            f"'matrix' must have {vertices} rows of {vertices} entries, as there are {vertices} "
            "operations"
        )
    for source, row in enumerate(matrix):
        for target, entry in enumerate(row):
            if type(entry) is not int or entry not in (0, 1):  # True would not be spelled as 1
                raise InputError(f"'matrix' may hold 0 and 1 only, found {quoted(str(entry))}")
            if entry and source >= target:
                raise InputError(
                    f"'matrix' must be upper triangular: row {source} has a 1 in column {target}"
                )
