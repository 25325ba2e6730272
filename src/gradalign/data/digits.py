"""Handwritten digits that come with scikit-learn: real images without a download."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradalign.data._base import source
from gradalign.data._images import ArraySource


@source
class Digits(ArraySource):
    """1,797 grey images of 8x8 pixels in ten classes.

    Inputs are 16x16 with three equal channels where the model names no shape: two halvings of the
    map, as networks for small images make them, still leave 4x4 positions.
    """

    name = "digits"
    description = "1,797 handwritten digits, 8x8 grey, embedded; as 3x16x16 by default"
    licence = "CC BY 4.0 (UCI, Alpaydin & Kaynak 1998), as distributed with scikit-learn"

    @property
    def default_shape(self) -> tuple[int, int, int]:
        """(3, 16, 16)."""
        return 3, 16, 16

    def _load(self) -> tuple[NDArray[Any], NDArray[Any]]:
        from sklearn.datasets import load_digits  # slow to import, and only needed here

        data = load_digits()
        return data.images.astype(np.uint8)[:, None], data.target  # whole numbers 0 to 16
