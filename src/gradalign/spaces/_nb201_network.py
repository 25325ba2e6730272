"""The networks of NAS-Bench-201: a fixed skeleton around one cell, repeated."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from gradalign.spaces._cell import ReLUConvBN, ResidualReduction, Zero, last_node

OPERATIONS: Mapping[str, Callable[[int], nn.Module]] = {
    "none": lambda _: Zero(),
    "skip_connect": lambda _: nn.Identity(),
    "nor_conv_1x1": lambda c: ReLUConvBN(c, c, 1),
    "nor_conv_3x3": lambda c: ReLUConvBN(c, c, 3),
    "avg_pool_3x3": lambda _: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
}
"""Operations by their published name, each a function of the number of channels."""


class Cell(nn.Module):
    """Three nodes, each the sum of one operation on every earlier node; node 0 is the input."""

    def __init__(self, operations: Sequence[str], channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(OPERATIONS[name](channels) for name in operations)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] to the same shape."""
        return last_node(x, self.layers)


class Network(nn.Module):
    """Stem, three stages of cells with reductions between them, classifier.

    Parameters bear the published names, so that published weights can be loaded.
    """

    def __init__(
        self, operations: Sequence[str], *, channels: int, cells: int, num_classes: int
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )
        self.cells = nn.ModuleList()
        for stage in range(3):
            if stage:
                self.cells.append(ResidualReduction(channels, 2 * channels))
                channels *= 2
            self.cells.extend(Cell(operations, channels) for _ in range(cells))
        self.lastact = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, h, w], h and w multiples of 4, to logits [n, num_classes]."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        x = self.global_pooling(self.lastact(x))
        return self.classifier(torch.flatten(x, 1))  # type: ignore[no-any-return]
