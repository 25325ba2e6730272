"""Samples that a network spreads over several rows of axis 0, such as windows or time steps."""

from __future__ import annotations

from collections.abc import Iterator

from gradalign.engine._gradient import PerSampleGradient, Tile, Workspace


class Folded(PerSampleGradient):
    """The gradients of n samples, each the sum over k rows that the rule took for samples.

    Args:
        gradient: Of n k rows, those of one sample next to one another.
        n: Number of samples.
    """

    def __init__(self, gradient: PerSampleGradient, n: int) -> None:
        super().__init__(n, gradient.shape)
        self.row_step = gradient.row_step
        self._gradient = gradient

    def tiles(self, work: Workspace) -> Iterator[Tile]:
        """As the base class says."""
        for tile in self._gradient.tiles(work):
            rows = tile.values.unflatten(0, (self.n, -1))
            yield Tile(rows.sum(1), tile.rows, tile.columns)

    def select(self, start: int, stop: int) -> Folded:
        """As the base class says."""
        return Folded(self._gradient.select(start, stop), self.n)
