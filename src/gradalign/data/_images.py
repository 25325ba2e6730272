"""Labelled images as sources: standardised, and fitted to the size and channels of the model.

One rule for all sources of 8-bit images: every channel is standardised by its own mean and standard
deviation over the pixels of the source (the population's, no n - 1). On CIFAR-10's training images
that gives the figures in common use.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from gradalign.batch import Batch, class_balanced
from gradalign.data._base import InputSpec, Source
from gradalign.errors import InputError


class ImageSource(Source):
    """Images with one label each. A subclass has the labels, and one image for an index."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) as stored."""

    @property
    def default_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the inputs where the model names no shape."""
        return self.shape

    @property
    @abstractmethod
    def labels(self) -> Tensor:
        """Int64 [N], 0 to num_classes - 1."""

    @abstractmethod
    def image(self, index: int) -> Tensor:
        """Image `index`, standardised, float32 [C, H, W] in its own size."""

    @property
    def num_classes(self) -> int:
        """Number of classes in the data: the largest label and one."""
        return int(self.labels.max()) + 1

    def _draw(self, size: int, seed: int, spec: InputSpec, part: int) -> Batch:
        shape = self._target_shape(spec)
        last = (part + 1) * size
        if last > len(self.labels):
            raise InputError(
                f"the data {str(self)!r} hold {len(self.labels)} samples: not enough for "
                f"{part + 1} x {size}, use a smaller batch size"
            )
        indices = class_balanced(self.labels, last, seed)[part * size :]
        images = [fit_image(self.image(int(index)), shape) for index in indices]
        return Batch(torch.stack(images).contiguous(), self.labels[indices])

    def _target_shape(self, spec: InputSpec) -> tuple[int, int, int]:
        if spec.tokens is not None:
            raise InputError(
                f"the data {str(self)!r} are images, the model takes token ids: use noise"
            )
        shape = self.default_shape if spec.shape is None else spec.shape
        if len(shape) != 3:
            raise InputError(
                f"the data {str(self)!r} are images, the model takes inputs of shape "
                f"{tuple(shape)}: use noise, or a model that takes (channels, height, width)"
            )
        return shape[0], shape[1], shape[2]


class ArraySource(ImageSource):
    """Images of one size, all in one array. A subclass says how they are loaded."""

    @abstractmethod
    def _load(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Images [N, C, H, W], uint8 (to be standardised) or float (used as is); labels [N]."""

    @cached_property
    def _arrays(self) -> tuple[NDArray[Any], Tensor]:
        images, labels = self._load()
        return images, torch.from_numpy(labels.astype(np.int64))

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        return channel_moments([self._arrays[0]])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) as stored."""
        channels, height, width = self._arrays[0].shape[1:]
        return channels, height, width

    @property
    def labels(self) -> Tensor:
        """Int64 [N]."""
        return self._arrays[1]

    def image(self, index: int) -> Tensor:
        """Image `index`, standardised if it is stored in 8 bits, float32 [C, H, W]."""
        pixels = self._arrays[0][index]
        if pixels.dtype == np.uint8:
            return standardise(pixels, self._moments)
        return torch.from_numpy(pixels.astype(np.float32, order="C"))


def channel_moments(stacks: Iterable[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of every channel over all pixels of uint8 stacks [N, C, H, W].

    Summed as integers, so the order of the images does not matter. A channel that never varies gets
    deviation 1, so that it becomes zero.

    Returns:
        Two float32 tensors [C], in units of 0 to 255: scaling to [0, 1] first would cancel.
    """
    count, total, squares = 0, 0, 0
    for stack in stacks:
        count += stack.size // stack.shape[1]
        total = total + stack.sum(axis=(0, 2, 3), dtype=np.int64)
        squares = squares + np.einsum("nchw,nchw->c", stack, stack, dtype=np.int64, casting="safe")
    mean = np.asarray(total / count)
    variance = np.asarray(squares / count) - mean**2
    varies = variance > 1e-9  # not 0: the difference is rounded
    deviation = np.sqrt(np.where(varies, variance, 1.0))
    return torch.from_numpy(mean).float(), torch.from_numpy(deviation).float()


def standardise(pixels: NDArray[np.uint8], moments: tuple[Tensor, Tensor]) -> Tensor:
    """Pixels [C, H, W] less their channel's mean, over its deviation, float32."""
    mean, deviation = moments
    image = torch.from_numpy(pixels.astype(np.float32, order="C"))
    return (image - mean[:, None, None]) / deviation[:, None, None]


def fit_image(image: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """`image` [C, H, W] in the size and with the channels of `shape`.

    The size by bilinear interpolation with antialiasing. A grey image is repeated to equal
    channels; a colour image becomes grey as the mean of its channels.

    Raises:
        InputError: Another change of the number of channels.
    """
    channels, *size = shape
    if [*image.shape[1:]] != size:
        image = interpolate(image[None], size, mode="bilinear", antialias=True)[0]
    if len(image) == channels:
        return image
    if channels == 1:
        return image.mean(0, keepdim=True)
    if len(image) == 1:
        return image.expand(channels, -1, -1)
    raise InputError(
        f"the images have {len(image)} channels, the model takes {channels}: only 1 channel can be "
        "made from several, or several from 1"
    )
