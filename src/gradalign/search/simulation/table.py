"""A table of trained networks as a world to search in: accuracies, scores, and what each costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradalign.errors import InputError
from gradalign.spaces import Space

Column = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Networks of a space with accuracy and costs; the unit of cost is one average training.

    Args:
        space: The space.
        archs: [N] architectures, in the space's own spelling.
        accuracy: [N], in percent; higher is better.
        training: [N], cost of training each.
        scoring: [N], cost of scoring each.
        scores: [N] for each score, turned so that higher is better; NaN where it has none.

    Raises:
        InputError: Columns of other lengths.
    """

    space: Space[Any]
    archs: Sequence[str]
    accuracy: Column
    training: Column
    scoring: Column
    scores: Mapping[str, Column]

    def __post_init__(self) -> None:
        for column in (self.accuracy, self.training, self.scoring, *self.scores.values()):
            if len(column) != len(self.archs):
                raise InputError(f"{len(column)} values for {len(self.archs)} networks")

    @classmethod
    def priced(
        cls,
        space: Space[Any],
        archs: Sequence[str],
        accuracy: Column,
        macs: Column,
        scores: Mapping[str, Column],
        *,
        images: int,
        batch: float,
    ) -> Table:
        """A table whose costs are compute: three forward passes for each image and step.

        One is that of the forward pass, two that of the backward pass, as FLOPs are usually
        counted; the score costs the same for the images of its batch.

        Args:
            space: The space.
            archs: [N] architectures.
            accuracy: [N], in percent.
            macs: [N], multiply-adds of a forward pass on one image.
            scores: [N] for each score, higher is better.
            images: How often an image is seen in a training: epochs times training images.
            batch: Images in the batch of the score, counted in images of that size.
        """
        training = macs / macs.mean()
        return cls(
            space=space,
            archs=archs,
            accuracy=accuracy,
            training=training,
            scoring=training * batch / images,
            scores=scores,
        )

    def row(self, arch: Any) -> int | None:
        """The row of an architecture; None: the table does not hold it."""
        return self._rows.get(arch)

    @cached_property
    def _rows(self) -> dict[Any, int]:
        return {self.space.parse(arch): row for row, arch in enumerate(self.archs)}

    @cached_property
    def parsed(self) -> list[Any]:
        """[N], the architectures."""
        return list(self._rows)

    @property
    def best(self) -> float:
        """The highest accuracy, against which regret is counted."""
        return float(self.accuracy.max())
