"""The networks of NAS-Bench-101: a fixed skeleton around one module, repeated."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from gradalign.spaces._nb101_graph import Matrix

STACKS = 3


class ConvBNReLU(nn.Sequential):
    """Convolution without bias that keeps the map's size, normalisation, ReLU.

    The published momentum of 0.997 is the share that is kept, torch's the share that is new. The
    published weights begin as a truncated normal of variance 1 / fan-in, not torch's uniform of a
    third of that; the normalisation takes the scale out.
    """

    def __init__(self, c_in: int, c_out: int, kernel_size: int) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel_size, padding=kernel_size // 2, bias=False),
            nn.BatchNorm2d(c_out, eps=1e-5, momentum=0.003),
            nn.ReLU(),
        )


OPERATIONS: Mapping[str, Callable[[int], nn.Module]] = {
    "conv3x3-bn-relu": lambda c: ConvBNReLU(c, c, 3),
    "conv1x1-bn-relu": lambda c: ConvBNReLU(c, c, 1),
    "maxpool3x3": lambda _: nn.MaxPool2d(3, stride=1, padding=1),
}
"""Operations by their published name, in the published order."""


def vertex_channels(matrix: Matrix, c_out: int) -> dict[int, int]:
    """Channels of every vertex of a pruned module but the input.

    The vertices that the output reads share its channels; what is left over goes to the first of
    them, one each. Any other has as many as the widest that reads it.
    """
    last = len(matrix) - 1
    joined = [vertex for vertex in range(1, last) if matrix[vertex][last]]
    channels = {last: c_out}
    for place, vertex in enumerate(joined):
        channels[vertex] = c_out // len(joined) + (place < c_out % len(joined))
    for vertex in reversed(range(1, last)):
        if vertex not in channels:
            readers = [target for target in range(vertex + 1, last) if matrix[vertex][target]]
            channels[vertex] = max(channels[target] for target in readers)
    return channels


class Cell(nn.Module):
    """A pruned module: vertices that add what they read, and an output that joins it.

    Whatever reads the input reads a 1x1 projection of it, and the output adds that to the rest.
    Where a vertex has one channel less than another that it reads, the other's last is left out.
    """

    def __init__(self, matrix: Matrix, operations: Sequence[str], c_in: int, c_out: int) -> None:
        super().__init__()
        self.matrix = matrix
        self.channels = vertex_channels(matrix, c_out)
        self.projections = nn.ModuleDict(
            {
                str(vertex): ConvBNReLU(c_in, channels, 1)
                for vertex, channels in sorted(self.channels.items())
                if matrix[0][vertex]
            }
        )
        self.vertices = nn.ModuleList(
            OPERATIONS[name](self.channels[vertex])
            for vertex, name in enumerate(operations, start=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h, w]."""
        last = len(self.matrix) - 1
        values: dict[int, Tensor] = {}
        for vertex, operation in enumerate(self.vertices, start=1):
            values[vertex] = operation(self._sum(x, values, vertex))
        joined = [value for vertex, value in values.items() if self.matrix[vertex][last]]
        if not joined:
            return self._projected(x, last)
        out = torch.cat(joined, 1) if len(joined) > 1 else joined[0]
        return out + self._projected(x, last) if self.matrix[0][last] else out

    def _sum(self, x: Tensor, values: Mapping[int, Tensor], vertex: int) -> Tensor:
        """What a vertex reads: [n, channels, h, w]."""
        read = [
            value[:, : self.channels[vertex]] if value.shape[1] > self.channels[vertex] else value
            for source, value in values.items()
            if self.matrix[source][vertex]
        ]
        if self.matrix[0][vertex]:
            read.append(self._projected(x, vertex))
        total = read[0]
        for value in read[1:]:
            total = total + value
        return total

    def _projected(self, x: Tensor, vertex: int) -> Tensor:
        return self.projections[str(vertex)](x)  # type: ignore[no-any-return]


class Network(nn.Module):
    """Stem, three stacks of modules with poolings between them, classifier.

    Args:
        matrix: That of a pruned module.
        operations: Those of its inner vertices.
        stem_channels: Channels of the stem and the first stack; they double after each pooling.
        modules: Modules in each stack.
        num_classes: Number of outputs.
    """

    def __init__(
        self,
        matrix: Matrix,
        operations: Sequence[str],
        *,
        stem_channels: int,
        modules: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.stem = ConvBNReLU(3, stem_channels, 3)
        self.layers = nn.ModuleList()
        c_in = c_out = stem_channels
        for stack in range(STACKS):
            if stack:
                self.layers.append(nn.MaxPool2d(2, stride=2, ceil_mode=True))
                c_out *= 2
            for _ in range(modules):
                self.layers.append(Cell(matrix, operations, c_in, c_out))
                c_in = c_out
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(c_out, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, h, w] to logits [n, num_classes]."""
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.classifier(torch.flatten(self.global_pooling(x), 1))  # type: ignore[no-any-return]
