"""Networks of cells as NDS samples them."""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradalign.errors import InputError
from gradalign.spaces._base import Trial
from gradalign.spaces._darts_operations import OPERATIONS
from gradalign.spaces._genotype import INPUTS, Cell, Edge, Genotype

WIDTHS = (16, 24, 32)
DEPTHS = (4, 8, 12, 16, 20)
MAX_WIDTH = 1024
MAX_DEPTH = 100


@dataclass(frozen=True, kw_only=True)
class CellNet:
    """A network of cells.

    Args:
        genotype: Its two cells.
        width: Channels of a node in the first stage.
        depth: Number of cells.

    Raises:
        InputError: An unknown operation, or a width or depth out of range.
    """

    genotype: Genotype
    width: int
    depth: int

    def __post_init__(self) -> None:
        self.genotype.check(OPERATIONS)
        for name, value, most in (
            ("width", self.width, MAX_WIDTH),
            ("depth", self.depth, MAX_DEPTH),
        ):
            if not 0 < value <= most:
                raise InputError(f"{name} must be a number from 1 to {most}")


@dataclass(frozen=True, kw_only=True)
class CellFamily:
    """Cells whose edges may be any operation on any earlier node.

    Args:
        name: Its published name.
        operations: Of an edge.
        nodes: Of a cell, inputs left aside.
        loose_ends: Whether only nodes that no other one reads make the output, or all do.
    """

    name: str
    operations: tuple[str, ...]
    nodes: int = 5
    loose_ends: bool = False

    @property
    def cells(self) -> int:
        """Number of cells; the published table counts them so."""
        sources = range(INPUTS, INPUTS + self.nodes)
        return math.prod((len(self.operations) * count) ** 2 for count in sources)

    @property
    def size(self) -> int:
        """Two cells, a width, a depth."""
        return self.cells**2 * len(WIDTHS) * len(DEPTHS)

    def kin(self, net: object) -> bool:
        """Any network of cells."""
        return isinstance(net, CellNet)

    def sample(self, rng: random.Random) -> CellNet:
        """Every operation, every source, the width and the depth, independently."""

        def cell() -> Cell:
            return self._cell(
                [(rng.choice(self.operations), rng.randrange(node)) for node in self._edges()]
            )

        genotype = Genotype(cell(), cell())
        return CellNet(genotype=genotype, width=rng.choice(WIDTHS), depth=rng.choice(DEPTHS))

    def enumerate(self) -> Iterator[CellNet]:
        """Depth varies fastest, then width, then the reduction cell from its last edge on."""
        for normal in self._cells():
            for reduce in self._cells():
                for width, depth in itertools.product(WIDTHS, DEPTHS):
                    yield CellNet(genotype=Genotype(normal, reduce), width=width, depth=depth)

    def neighbours(self, net: object) -> Iterator[CellNet]:
        """Another operation or source on one edge, another width, another depth."""
        if not isinstance(net, CellNet):
            return
        cells = net.genotype
        for normal in self._changed(cells.normal):
            yield replace(net, genotype=Genotype(normal, cells.reduce))
        for reduce in self._changed(cells.reduce):
            yield replace(net, genotype=Genotype(cells.normal, reduce))
        yield from (replace(net, width=width) for width in WIDTHS if width != net.width)
        yield from (replace(net, depth=depth) for depth in DEPTHS if depth != net.depth)

    def suggest(self, trial: Trial) -> CellNet:
        """Named after what they decide: `ENAS.normal.3.a.source`, `width`, `depth`."""

        def cell(kind: str) -> Cell:
            edges = []
            for (operation, source), node in zip(self._names(kind), self._edges(), strict=True):
                chosen = trial.suggest_categorical(operation, self.operations)
                edges.append((chosen, trial.suggest_int(source, 0, node - 1)))
            return self._cell(edges)

        return CellNet(
            genotype=Genotype(cell("normal"), cell("reduce")),
            width=trial.suggest_categorical("width", WIDTHS),
            depth=trial.suggest_categorical("depth", DEPTHS),
        )

    def decisions(self, net: object) -> dict[str, Any]:
        """The operation and the source of every edge, the width and the depth."""
        if not isinstance(net, CellNet):
            return {}
        found: dict[str, Any] = {"width": net.width, "depth": net.depth}
        for kind, cell in (("normal", net.genotype.normal), ("reduce", net.genotype.reduce)):
            for names, edge in zip(self._names(kind), cell.edges, strict=False):
                found |= zip(names, edge, strict=True)
        return found

    def _names(self, kind: str) -> list[tuple[str, str]]:
        """How the operation and the source of each edge are called where they are suggested."""
        edges = (
            f"{self.name}.{kind}.{node}.{'ab'[position % 2]}"
            for position, node in enumerate(self._edges())
        )
        return [(f"{edge}.operation", f"{edge}.source") for edge in edges]

    def _edges(self) -> list[int]:
        """The node that each edge leads to."""
        return [INPUTS + position // 2 for position in range(2 * self.nodes)]

    def _cell(self, edges: Sequence[Edge]) -> Cell:
        """The cell with the family's output."""
        read = {source for _, source in edges} if self.loose_ends else set()
        nodes = range(INPUTS, INPUTS + len(edges) // 2)
        return Cell(tuple(edges), tuple(node for node in nodes if node not in read))

    def _cells(self) -> Iterator[Cell]:
        choices = [itertools.product(self.operations, range(node)) for node in self._edges()]
        return map(self._cell, itertools.product(*choices))

    def _changed(self, cell: Cell) -> Iterator[Cell]:
        for position, (operation, source) in enumerate(cell.edges):
            edges = [(other, source) for other in self.operations if other != operation]
            node = INPUTS + position // 2
            edges += [(operation, other) for other in range(node) if other != source]
            for edge in edges:
                yield self._cell([*cell.edges[:position], edge, *cell.edges[position + 1 :]])
