"""Cells with two edges a node: what they are, how they are spelled, and when two are alike."""

import ast
import itertools
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradalign.errors import InputError
from gradalign.spaces._base import quoted

INPUTS = 2
MAX_NODES = 7
MAX_TEXT = 8_000
FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
FORM = "Genotype(normal=[...], normal_concat=[...], reduce=[...], reduce_concat=[...])"

Edge = tuple[str, int]


@dataclass(frozen=True)
class Cell:
    """A cell: nodes 0 and 1 are its inputs, each further node is the sum of two edges.

    Args:
        edges: (operation, the earlier node it reads), two for each node, in the order of nodes.
        concat: The nodes whose maps, one after another, are the output.

    Raises:
        InputError: An edge from a node that is not earlier, or an output that is no node.
    """

    edges: tuple[Edge, ...]
    concat: tuple[int, ...]

    def __post_init__(self) -> None:
        count = len(self.edges)
        if count % 2 or not 0 < count <= 2 * MAX_NODES:
            raise InputError(
                f"a cell has two edges for each of 1 to {MAX_NODES} nodes, found {count}"
            )
        for position, (operation, source) in enumerate(self.edges):
            node = INPUTS + position // 2
            if not 0 <= source < node:
                raise InputError(
                    f"node {node} reads a later one by {quoted(operation)}: the nodes before it "
                    f"are 0 to {node - 1}"
                )
        nodes = range(INPUTS, INPUTS + count // 2)
        if not self.concat or len(set(self.concat)) < len(self.concat):
            raise InputError("the nodes that make the output must be at least one, and differ")
        if not set(self.concat) <= set(nodes):
            raise InputError(f"the output can hold nodes {nodes[0]} to {nodes[-1]} only")

    @property
    def pairs(self) -> tuple[tuple[Edge, Edge], ...]:
        """The two edges of each node, from node 2 on."""
        return tuple(zip(self.edges[::2], self.edges[1::2], strict=True))

    def with_node(self, node: int, pair: Iterable[Edge]) -> "Cell":
        """The cell with two other edges at `node`."""
        first = 2 * (node - INPUTS)
        return Cell((*self.edges[:first], *pair, *self.edges[first + 2 :]), self.concat)

    def canonical(self) -> str:
        """A text that cells share which differ only in the order of nodes or of a node's edges.

        Nodes are renumbered in the order that makes the text smallest; those that reach no output
        are left out, `none` has no source, and a node of the output bears a star.

        Example:
            >>> Cell((("none", 0), ("skip_connect", 1)), (2,)).canonical()
            'none+skip_connect~1*'
        """
        orders = itertools.permutations(self._live())
        return "|".join(min(rows for rows in map(self._rows, orders) if rows))

    def _live(self) -> list[int]:
        """The nodes that reach the output."""
        live = set(self.concat)
        for node in reversed(range(INPUTS, INPUTS + len(self.pairs))):
            if node in live:
                live.update(source for op, source in self.pairs[node - INPUTS] if op != "none")
        return sorted(live - set(range(INPUTS)))

    def _rows(self, order: Sequence[int]) -> list[str]:
        """The nodes in that order, renumbered by it; empty where one precedes what it reads."""
        number = {node: node for node in range(INPUTS)}
        rows = []
        for node in order:
            edges = []
            for operation, source in self.pairs[node - INPUTS]:
                if operation != "none" and source not in number:
                    return []
                edges.append("none" if operation == "none" else f"{operation}~{number[source]}")
            number[node] = len(number)
            rows.append("+".join(sorted(edges)) + "*" * (node in self.concat))
        return rows


@dataclass(frozen=True)
class Genotype:
    """The two cells of a network: one keeps the map's size, one halves it.

    Args:
        normal: The cell that keeps it.
        reduce: The cell that halves it.
    """

    normal: Cell
    reduce: Cell

    def __str__(self) -> str:
        """The spelling of DARTS's code."""
        fields = (
            f"{name}={list(value)}"
            for name, value in zip(
                FIELDS,
                (self.normal.edges, self.normal.concat, self.reduce.edges, self.reduce.concat),
                strict=True,
            )
        )
        return f"Genotype({', '.join(fields)})"

    def check(self, operations: Iterable[str]) -> None:
        """InputError where an edge has none of `operations`."""
        allowed = tuple(operations)
        for operation, _ in (*self.normal.edges, *self.reduce.edges):
            if operation not in allowed:
                raise InputError(
                    f"unknown operation {quoted(operation)}: choose from {', '.join(allowed)}"
                )

    def canonical(self) -> str:
        """The canonical forms of both cells."""
        return f"{self.normal.canonical()} / {self.reduce.canonical()}"


def parse_genotype(text: str) -> Genotype:
    """The genotype that DARTS's code spells so; the text is read, never run.

    Raises:
        InputError: Anything else in it than names of operations and numbers, or a cell that is
            none; the message says where, without the text.
    """
    if len(text) > MAX_TEXT:
        raise InputError(f"it has {len(text)} characters, more than {MAX_TEXT}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd literals, which are refused below
            call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"it is not of the form {FORM}") from None
    if (
        not isinstance(call, ast.Call)
        or not isinstance(call.func, ast.Name)
        or call.func.id != "Genotype"
        or call.args
        or sorted(str(keyword.arg) for keyword in call.keywords) != sorted(FIELDS)
    ):
        raise InputError(f"it is not of the form {FORM}")
    value = {str(keyword.arg): keyword.value for keyword in call.keywords}
    return Genotype(
        Cell(_edges("normal", value), _numbers("normal_concat", value)),
        Cell(_edges("reduce", value), _numbers("reduce_concat", value)),
    )


def _edges(field: str, values: dict[str, ast.expr]) -> tuple[Edge, ...]:
    """A list of ('operation', number)."""
    edges = []
    for item in _items(values[field]):
        match [_literal(part) for part in _items(item)]:
            case [str(operation), int(source)]:
                edges.append((operation, source))
            case _:
                raise InputError(f"{field} must be a list of ('operation', number)")
    return tuple(edges)


def _numbers(field: str, values: dict[str, ast.expr]) -> tuple[int, ...]:
    """A list of numbers, or range(first, end)."""
    value = values[field]
    of_range = (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "range"
        and len(value.args) == 2
        and not value.keywords
    )
    parts = value.args if of_range and isinstance(value, ast.Call) else _items(value)
    numbers = [number for number in map(_literal, parts) if isinstance(number, int)]
    if len(numbers) != len(parts) or any(not 0 <= number <= MAX_TEXT for number in numbers):
        raise InputError(f"{field} must be a list of numbers or range(first, end)")
    return tuple(range(*numbers)) if of_range else tuple(numbers)


def _items(value: ast.expr) -> list[ast.expr]:
    """The items of a list or a tuple; of anything else a None, which nothing takes."""
    return value.elts if isinstance(value, (ast.List, ast.Tuple)) else [ast.Constant(None)]


def _literal(value: ast.expr) -> str | int | None:
    """The text or whole number that is written there."""
    if isinstance(value, ast.Constant) and type(value.value) in (str, int):
        return value.value  # type: ignore[return-value]
    return None
