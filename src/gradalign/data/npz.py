"""One's own images in a NumPy archive."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradalign.data._base import existing_path, source
from gradalign.data._images import ArraySource
from gradalign.errors import InputError

LARGEST_LABEL = 2**31 - 1

# What NumPy and zipfile raise on archives that are cut short, changed, encrypted or hold pickles.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    TypeError,
)


@source
class Npz(ArraySource):
    """The arrays `images` and `labels` of a file; further arrays are ignored, pickles never read.

    `images`: uint8 [N, H, W, C] or [N, H, W], standardised by the file's own figures, or float
    [N, C, H, W], taken as is. `labels`: whole numbers 0 to k - 1.
    """

    name = "npz"
    argument_name = "FILE"
    description = "images (uint8 [N,H,W,C] or [N,H,W], or float [N,C,H,W]) and labels from a file"
    licence = "that of the file"

    def _load(self) -> tuple[NDArray[Any], NDArray[Any]]:
        path = existing_path(self.argument, "file", "give the path of an npz file")
        arrays = read_arrays(path, ("images", "labels"))
        images = _channels_first(arrays["images"], path)
        labels = _checked_labels(arrays["labels"], path)
        if len(images) != len(labels):
            raise InputError(
                f"{str(path)!r} has {len(images)} images and {len(labels)} labels: "
                "one label for each image is needed"
            )
        return images, labels


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """The arrays `names` of an npz file, without ever unpickling.

    Raises:
        InputError: No npz, a broken one, a missing array or one of Python objects.
    """
    try:
        if path.stat().st_size == 0:
            raise InputError(f"the file {str(path)!r} is empty: an npz file is needed")
        if not zipfile.is_zipfile(path):
            raise InputError(
                f"{str(path)!r} is no npz file, or is cut short: write one with numpy.savez"
            )
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in names if name not in archive.files]
            if missing:
                raise InputError(
                    f"{str(path)!r} holds no array {missing[0]!r}: it needs {' and '.join(names)}"
                )
            return {name: _read_array(archive, name, path) for name in names}
    except InputError:
        raise
    except _BROKEN as error:
        raise InputError(
            f"{str(path)!r} cannot be read as npz ({type(error).__name__}): write it again"
        ) from error


def _read_array(archive: Any, name: str, path: Path) -> NDArray[Any]:
    try:
        array = archive[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise InputError(
                f"the array {name!r} in {str(path)!r} holds Python objects, which are never "
                "unpickled: save it as a plain array of numbers"
            ) from error
        raise
    if not isinstance(array, np.ndarray):  # a member that is no array comes as bytes
        raise InputError(f"{name!r} in {str(path)!r} is no array: write it with numpy.savez")
    return array


def _channels_first(images: NDArray[Any], path: Path) -> NDArray[Any]:
    """Images as [N, C, H, W], uint8 or float32."""
    found = f"images {list(images.shape)} of {images.dtype} in {str(path)!r}"
    eight_bit = images.dtype == np.uint8
    if not eight_bit and images.dtype.kind != "f":
        raise InputError(f"{found}: they must be uint8 [N,H,W,C] or [N,H,W], or float [N,C,H,W]")
    if images.size == 0:
        raise InputError(f"{found}: there is no pixel")
    if not eight_bit:
        if images.ndim != 4:
            raise InputError(f"{found}: float images must be [N,C,H,W]")
        with np.errstate(over="ignore"):  # becomes infinite, which is refused below
            images = images.astype(np.float32)
        if not np.isfinite(images).all():
            raise InputError(f"{found}: there are NaN or infinite values, clean them first")
        return images
    if images.ndim == 3:
        return images[:, None]
    if images.ndim != 4 or images.shape[3] > 4:
        raise InputError(
            f"{found}: uint8 images must be [N,H,W] or [N,H,W,C], channels last and at most 4"
        )
    return images.transpose(0, 3, 1, 2)


def _checked_labels(labels: NDArray[Any], path: Path) -> NDArray[Any]:
    found = f"labels {list(labels.shape)} of {labels.dtype} in {str(path)!r}"
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise InputError(f"{found}: they must be integers [N], from 0 to classes - 1")
    for label in (int(labels.min()), int(labels.max())):
        if not 0 <= label <= LARGEST_LABEL:
            raise InputError(f"label {label} in {str(path)!r}: labels go from 0 to classes - 1")
    return labels
