"""The networks that DARTS stacks of two cells, for small images and for ImageNet."""

import torch
from torch import Tensor, nn

from gradalign.errors import InputError
from gradalign.spaces import _genotype
from gradalign.spaces._cell import ReLUConvBN
from gradalign.spaces._darts_operations import OPERATIONS, FactorizedReduction


class Cell(nn.Module):
    """A cell between the outputs of the two cells before it.

    Args:
        cell: What it computes.
        c_before: Channels of the last but one output.
        c_last: Channels of the last output.
        channels: Channels of each node.
        reduction: Whether edges from the inputs have stride 2.
        after_reduction: Whether the last but one output is twice as large as the last.
    """

    def __init__(
        self,
        cell: _genotype.Cell,
        c_before: int,
        c_last: int,
        channels: int,
        *,
        reduction: bool,
        after_reduction: bool,
    ) -> None:
        super().__init__()
        self.preprocess0: nn.Module = (
            FactorizedReduction(c_before, channels)
            if after_reduction
            else ReLUConvBN(c_before, channels, 1)
        )
        self.preprocess1 = ReLUConvBN(c_last, channels, 1)
        self._ops = nn.ModuleList(
            OPERATIONS[operation](channels, 2 if reduction and source < _genotype.INPUTS else 1)
            for operation, source in cell.edges
        )
        self.sources = tuple(source for _, source in cell.edges)
        self.concat = cell.concat

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """[n, c_before, h, w] and [n, c_last, h', w'] to [n, nodes * channels, ...]."""
        nodes = [self.preprocess0(before), self.preprocess1(last)]
        edges = list(zip(self._ops, self.sources, strict=True))
        for (first, a), (second, b) in zip(edges[::2], edges[1::2], strict=True):
            nodes.append(first(nodes[a]) + second(nodes[b]))
        return torch.cat([nodes[node] for node in self.concat], 1)


class Network(nn.Module):
    """Stem, cells with reductions after a third and two thirds of them, classifier.

    Neither auxiliary head nor drop path. Parameters bear the published names.

    Args:
        genotype: The two cells.
        imagenet: Whether the stem is the one that divides the map's size by 8.
        channels: Channels of a node before the first reduction.
        layers: Number of cells.
        num_classes: Number of outputs.

    Raises:
        InputError: An odd number of channels with the stem of ImageNet, which halves it.

    Source:
        Liu et al., DARTS, ICLR 2019 (arXiv 1806.09055); quark0/darts, cnn/model.py.
    """

    def __init__(
        self,
        genotype: _genotype.Genotype,
        *,
        imagenet: bool,
        channels: int,
        layers: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        if imagenet and channels % 2:
            raise InputError(f"channels is {channels}: networks for ImageNet need an even number")
        self.imagenet = imagenet
        c_before = c_last = channels if imagenet else 3 * channels
        if imagenet:
            self.stem0 = nn.Sequential(
                nn.Conv2d(3, channels // 2, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels // 2),
                nn.ReLU(),
                nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels),
            )
            self.stem1 = nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels),
            )
        else:
            self.stem = nn.Sequential(
                nn.Conv2d(3, c_last, 3, padding=1, bias=False), nn.BatchNorm2d(c_last)
            )
        self.cells = nn.ModuleList()
        after_reduction = imagenet
        for layer in range(layers):
            reduction = layer in (layers // 3, 2 * layers // 3)
            channels *= 1 + reduction
            cell = Cell(
                genotype.reduce if reduction else genotype.normal,
                c_before,
                c_last,
                channels,
                reduction=reduction,
                after_reduction=after_reduction,
            )
            self.cells.append(cell)
            after_reduction = reduction
            c_before, c_last = c_last, channels * len(cell.concat)
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(c_last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, h, w] to logits [n, num_classes]."""
        if self.imagenet:
            before = self.stem0(x)
            last = self.stem1(before)
        else:
            before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        x = self.global_pooling(last)
        return self.classifier(torch.flatten(x, 1))  # type: ignore[no-any-return]
