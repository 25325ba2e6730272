"""One's own image files, a sub-folder for each class."""

from __future__ import annotations

import importlib
from functools import cached_property
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradalign.batch import class_balanced
from gradalign.data._base import existing_path, source
from gradalign.data._images import ImageSource, channel_moments, standardise
from gradalign.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg")

MOMENT_IMAGES = 1000
"""Mean and deviation are those of all images, or of so many of them where there are more."""

# 16-bit and float images are left out: Pillow's way to RGB clips them without a word.
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")


@source
class Folder(ImageSource):
    """PNG and JPEG files in the sub-folders of DIR; classes are the sub-folders, in sorted order.

    Images are read as RGB, transparency dropped, when they are drawn; nothing but the list of files
    and the channels' mean and deviation is kept. They may differ in size: where the model names no
    shape, the first image's is taken. Needs Pillow.
    """

    name = "folder"
    argument_name = "DIR"
    description = "PNG and JPEG images, one sub-folder for each class in sorted order"
    licence = "that of the files"

    @cached_property
    def _files(self) -> tuple[list[Path], Tensor]:
        root = existing_path(self.argument, "folder", "give one with a sub-folder for each class")
        classes = [path for path in _sorted_entries(root) if path.is_dir()]
        if not classes:
            raise InputError(f"{str(root)!r} has no sub-folders: put each class in its own")
        files: list[Path] = []
        labels: list[int] = []
        for label, folder in enumerate(classes):
            found = [p for p in _sorted_entries(folder) if p.suffix.lower() in SUFFIXES]
            if not found:
                raise InputError(f"{str(folder)!r} has no PNG or JPEG image: add some or remove it")
            files += found
            labels += [label] * len(found)
        return files, torch.tensor(labels)

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        count = min(MOMENT_IMAGES, len(self.labels))
        indices = sorted(class_balanced(self.labels, count, seed=0).tolist())
        return channel_moments(read_image(self._files[0][index])[None] for index in indices)

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(3, H, W) of the first image."""
        channels, height, width = read_image(self._files[0][0]).shape
        return channels, height, width

    @property
    def labels(self) -> Tensor:
        """Int64 [N], in the order of the files."""
        return self._files[1]

    def image(self, index: int) -> Tensor:
        """Image `index`, standardised, float32 [3, H, W] in its own size."""
        return standardise(read_image(self._files[0][index]), self._moments)


def read_image(path: Path) -> NDArray[np.uint8]:
    """The pixels of a PNG or JPEG file as RGB, [3, H, W].

    Raises:
        InputError: Pillow is missing, or it cannot read the file.
    """
    pillow = _pillow()
    try:
        with pillow.open(path, formats=("PNG", "JPEG")) as image:
            mode = str(image.mode)
            pixels = np.asarray(image.convert("RGB")) if mode in _MODES else None
    except (OSError, SyntaxError, ValueError, pillow.DecompressionBombError) as error:
        raise InputError(
            f"the image {str(path)!r} cannot be read ({type(error).__name__}): mend or remove it"
        ) from error
    if pixels is None:
        raise InputError(f"the image {str(path)!r} has pixels of kind {mode!r}: save it in 8 bits")
    return pixels.transpose(2, 0, 1)


def _sorted_entries(folder: Path) -> list[Path]:
    """Entries by name, hidden ones left out."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"{str(folder)!r} cannot be read: {error.strerror}") from error


def _pillow() -> ModuleType:
    """Pillow's Image module, imported only here: nothing else needs it."""
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        raise InputError("reading image files needs Pillow: pip install pillow") from None
