"""CIFAR-10's training images, from the published Python batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradalign.data._base import existing_path, source
from gradalign.data._images import ArraySource
from gradalign.data._unpickle import byte_array, read_plain_pickle
from gradalign.errors import InputError


@source
class Cifar10(ArraySource):
    """`data_batch_1` to `data_batch_5` in DIR or in DIR/cifar-10-batches-py, standardised.

    The batches are pickles: they are read without executing anything in them.
    """

    name = "cifar10"
    argument_name = "DIR"
    description = "CIFAR-10's 50,000 training images, 3x32x32, from the published Python batches"
    licence = "none stated; cite Krizhevsky, Learning Multiple Layers of Features, 2009"

    @property
    def num_classes(self) -> int:
        """Ten."""
        return 10

    def _load(self) -> tuple[NDArray[Any], NDArray[Any]]:
        folder = existing_path(self.argument, "folder", "give the one with CIFAR-10's batches")
        inner = folder / "cifar-10-batches-py"
        folder = inner if inner.is_dir() else folder
        batches = [_read_batch(folder / f"data_batch_{number}") for number in range(1, 6)]
        images, labels = zip(*batches, strict=True)
        return np.concatenate(images), np.concatenate(labels)


def _read_batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images [n, 3, 32, 32] and labels [n] of one batch."""
    what = f"the CIFAR-10 batch {str(path)!r}"
    existing_path(str(path), "file", "data_batch_1 to data_batch_5 are needed")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{what} cannot be read: {error.strerror}") from error
    if not content:
        raise InputError(f"{what} is empty: get it from its source again")
    batch = read_plain_pickle(content, what)
    if not isinstance(batch, dict):
        raise InputError(f"{what} is no dictionary with data and labels")
    images = byte_array(batch.get(b"data"), f"`data` of {what}")
    labels = batch.get(b"labels")
    if images.ndim != 2 or images.shape[1] != 3072:
        raise InputError(f"{what} has images {list(images.shape)}: [n, 3072] is needed")
    if not (isinstance(labels, list) and len(labels) == len(images) > 0):
        raise InputError(f"{what} needs a list `labels` with one label for each image")
    if not all(type(label) is int and 0 <= label < 10 for label in labels):
        raise InputError(f"{what} has labels other than whole numbers 0 to 9")
    return images.reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64)
