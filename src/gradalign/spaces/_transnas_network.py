"""The networks of TransNAS-Bench-101: a stem, modules of two blocks each, a classifier."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gradalign.spaces._base import Task, tasks
from gradalign.spaces._cell import EDGES, ReLUConvBN, Zero, last_node, shortcut
from gradalign.spaces._flops import Convention

TASKS = tasks(
    Task(name="class_object", input_size=(3, 256, 256), num_classes=100),
    Task(name="class_scene", input_size=(3, 256, 256), num_classes=63),
)
"""The two classifications, with the classes of NASLib, whose published counts are of them.

The table's own networks were trained on the 75 and the 47 of these classes that occur in its
images: `num_classes` gives those. The jigsaw task, whose network reads nine tiles of an image, and
the tasks whose output is a map are left out.
"""

CONVENTION = Convention(norm=2, relu=1, pool=1, adaptive_margin=1)

FLOPS_CONVENTION = (
    "multiply-adds, 2 for each normalised element, 1 for each element of a ReLU, and "
    "(h + 1) (w + 1) for each channel of the map [h, w] that is pooled"
)

BuildBlock = Callable[[int, int, int], nn.Module]
"""A block as a function of channels in, channels out and stride (1 or 2)."""


class FactorizedReduction(nn.Module):
    """ReLU, two strided 1x1 convolutions one pixel apart, side by side, and a normalisation."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.convs = nn.ModuleList(
            nn.Conv2d(c_in, part, 1, stride=2, bias=False) for part in (c_out // 2, -(-c_out // 2))
        )
        self.pad = nn.ConstantPad2d((0, 1, 0, 1), 0.0)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / 2, w / 2], rounded up."""
        x = self.relu(x)
        shifted = self.pad(x)[:, :, 1:, 1:]
        halves = [self.convs[0](x), self.convs[1](shifted)]
        return self.bn(torch.cat(halves, dim=1))  # type: ignore[no-any-return]


class ZeroReduction(nn.Module):
    """Zeros of the reduced shape, cut off from the input as in the published networks."""

    def __init__(self, c_out: int) -> None:
        super().__init__()
        self.c_out = c_out

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / 2, w / 2], rounded up."""
        n, _, h, w = x.shape
        return x.new_zeros(n, self.c_out, -(-h // 2), -(-w // 2))


def operation(number: int, c_in: int, c_out: int, stride: int) -> nn.Module:
    """An operation of a cell by its published number: 0 none, 1 skip, 2 1x1, 3 3x3 convolution."""
    if number >= 2:
        return ReLUConvBN(c_in, c_out, {2: 1, 3: 3}[number], stride)
    if stride == 1:
        return nn.Identity() if number else Zero()
    return FactorizedReduction(c_in, c_out) if number else ZeroReduction(c_out)


class Cell(nn.Module):
    """Three nodes, each the sum of one operation on every earlier node; node 0 is the input.

    Where the cell reduces, the operations that read the input do.
    """

    def __init__(self, operations: Sequence[int], c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(
            operation(number, c_out, c_out, 1) if source else operation(number, c_in, c_out, stride)
            for (_, source), number in zip(EDGES, operations, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / stride, w / stride], rounded up."""
        return last_node(x, self.edges)


class BasicBlock(nn.Module):
    """A residual block of two 3x3 convolutions, each after a ReLU and before a normalisation."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv_a = ReLUConvBN(c_in, c_out, 3, stride)
        self.conv_b = ReLUConvBN(c_out, c_out, 3)
        self.downsample = shortcut(c_in, c_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / stride, w / stride], rounded up."""
        return self.downsample(x) + self.conv_b(self.conv_a(x))  # type: ignore[no-any-return]


class Network(nn.Module):
    """A stem that takes a quarter of the sides, modules, global average pooling, classifier.

    The last operation before the pooling is a normalisation in every one of them. Weights start as
    PyTorch's do; the published code draws those of the convolutions by He's rule (fan out).

    Args:
        modules: 1 plain, 2 doubles the channels, 3 halves the map, 4 both, by the first block.
        build_block: Makes each block.
        channels: After the stem.
        blocks: In each module.
        num_classes: Number of outputs.
    """

    def __init__(
        self,
        modules: Sequence[int],
        build_block: BuildBlock,
        *,
        channels: int,
        blocks: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        half = (channels + 1) // 2
        self.stem = nn.Sequential(
            nn.Conv2d(3, half, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(half),
            ReLUConvBN(half, channels, 3, stride=2),
        )
        self.layers = nn.ModuleList()
        for kind in modules:
            width, stride = (1 + doubles(kind)) * channels, 1 + halves(kind)
            first = build_block(channels, width, stride)
            rest = (build_block(width, width, 1) for _ in range(blocks - 1))
            self.layers.append(nn.Sequential(first, *rest))
            channels = width
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, h, w] of any size to logits [n, num_classes]."""
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.head(torch.flatten(self.avgpool(x), 1))  # type: ignore[no-any-return]


def doubles(kind: int) -> bool:
    """Whether a module of that number doubles the channels."""
    return kind in (2, 4)


def halves(kind: int) -> bool:
    """Whether a module of that number halves the sides of the map."""
    return kind in (3, 4)
