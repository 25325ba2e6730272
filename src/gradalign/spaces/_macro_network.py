"""The networks of NAS-Bench-Macro: a chain of blocks that are identities or inverted residuals."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from gradalign.spaces._cell import shortcut

STAGES = (2, 3, 3)
"""Blocks in each stage; the first of a stage halves the map and doubles the channels."""

FEATURES = 1280
"""Channels before the classifier."""


class Identity(nn.Module):
    """Nothing, or a strided 1x1 convolution and a normalisation where the shape changes."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.downsample = shortcut(c_in, c_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / stride, w / stride]."""
        return self.downsample(x)  # type: ignore[no-any-return]


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, project; added to the input where the shape stays."""

    def __init__(
        self, c_in: int, c_out: int, stride: int, *, kernel_size: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = c_in * expansion
        padding = kernel_size // 2
        self.conv = nn.Sequential(
            nn.Conv2d(c_in, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, kernel_size, stride, padding, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
        )
        self.use_shortcut = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / stride, w / stride]."""
        out: Tensor = self.conv(x)
        return out + x if self.use_shortcut else out


BLOCKS: Mapping[int, Callable[[int, int, int], nn.Module]] = {
    0: Identity,
    1: lambda c_in, c_out, s: InvertedResidual(c_in, c_out, s, kernel_size=3, expansion=3),
    2: lambda c_in, c_out, s: InvertedResidual(c_in, c_out, s, kernel_size=5, expansion=6),
}
"""Blocks by their published number, each a function of channels in, channels out and stride."""


class Network(nn.Module):
    """Stem, three stages of chosen blocks, a wide 1x1 convolution, classifier.

    Parameters bear the published names.
    """

    def __init__(self, blocks: Sequence[int], *, channels: int, num_classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.features = nn.Sequential()
        chosen = iter(blocks)
        for depth in STAGES:
            self.features.append(BLOCKS[next(chosen)](channels, 2 * channels, 2))
            channels *= 2
            for _ in range(depth - 1):
                self.features.append(BLOCKS[next(chosen)](channels, channels, 1))
        self.out = nn.Sequential(
            nn.Conv2d(channels, FEATURES, 1, bias=False),
            nn.BatchNorm2d(FEATURES),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
        )
        self.classifier = nn.Linear(FEATURES, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, h, w] of any size to logits [n, num_classes]."""
        x = self.out(self.features(self.stem(x)))
        return self.classifier(torch.flatten(x, 1))  # type: ignore[no-any-return]
