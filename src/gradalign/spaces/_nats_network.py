"""The networks of NATS-Bench's size space: a fixed cell, and a width for each of five layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gradalign.spaces._cell import EDGES, ReLUConvBN, ResidualReduction, last_node

REDUCTIONS = (1, 3)
"""Layers that halve the map; the others are cells."""

SKIP = (3, 0)
"""The edge of the fixed cell that carries its source on; the others are 3x3 convolutions."""


class Cell(nn.Module):
    """The best cell of NAS-Bench-201 on CIFAR-100, from one width to another.

    |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            _skip(c_in, c_out)
            if edge == SKIP
            else ReLUConvBN(c_in if edge[1] == 0 else c_out, c_out, 3)
            for edge in EDGES
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h, w]."""
        return last_node(x, self.layers)


class Network(nn.Module):
    """Stem, cell, reduction, cell, reduction, cell, classifier.

    Parameters bear the published names but for the skips that change the width, which are
    `conv` and `bn` there and 0 and 1 here.

    Args:
        widths: Channels that each of the five layers puts out; the stem's are the first layer's.
        num_classes: Number of outputs.
    """

    def __init__(self, widths: Sequence[int], *, num_classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0])
        )
        self.cells = nn.ModuleList(
            (ResidualReduction if layer in REDUCTIONS else Cell)(c_in, c_out)
            for layer, (c_in, c_out) in enumerate(
                zip((widths[0], *widths[:-1]), widths, strict=True)
            )
        )
        self.lastact = nn.Sequential(nn.BatchNorm2d(widths[-1]), nn.ReLU())
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(widths[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, h, w], h and w multiples of 4, to logits [n, num_classes]."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        x = self.global_pooling(self.lastact(x))
        return self.classifier(torch.flatten(x, 1))  # type: ignore[no-any-return]


def _skip(c_in: int, c_out: int) -> nn.Module:
    """The source itself, or normalised 1x1 convolutions of it where the width changes."""
    if c_in == c_out:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out))
