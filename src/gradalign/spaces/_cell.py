"""Building parts that cell-based spaces share."""

from collections.abc import Iterable

from torch import Tensor, nn

EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
"""(node, the earlier node it reads) of a four-node cell, in the order of published spellings."""


def last_node(x: Tensor, layers: Iterable[nn.Module]) -> Tensor:
    """The last of four nodes, each the sum of one layer on every earlier node; the first is x.

    Args:
        x: What the cell reads.
        layers: One for each of `EDGES`.
    """
    nodes = [x]
    for (node, source), layer in zip(EDGES, layers, strict=True):
        value = layer(nodes[source])
        if node == len(nodes):
            nodes.append(value)
        else:
            nodes[node] = nodes[node] + value
    return nodes[-1]


def shortcut(c_in: int, c_out: int, stride: int) -> nn.Module:
    """Nothing, or a strided 1x1 convolution and a normalisation where the shape changes."""
    if stride == 1 and c_in == c_out:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 1, stride=stride, bias=False), nn.BatchNorm2d(c_out)
    )


class ReLUConvBN(nn.Module):
    """ReLU, convolution without bias that keeps the map's size (over its stride), normalisation."""

    def __init__(self, c_in: int, c_out: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.op = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(c_in, c_out, kernel_size, stride=stride, padding=padding, bias=False),
            nn.BatchNorm2d(c_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / stride, w / stride]."""
        return self.op(x)  # type: ignore[no-any-return]


class Zero(nn.Module):
    """Zeros that stay connected to the input, as the published networks have them."""

    def forward(self, x: Tensor) -> Tensor:
        """Zeros of the shape of `x`; the gradient that passes is zero."""
        return x.mul(0.0)


class ResidualReduction(nn.Module):
    """A residual block that halves the map: two 3x3 convolutions, and an averaging shortcut."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv_a = ReLUConvBN(c_in, c_out, 3, stride=2)
        self.conv_b = ReLUConvBN(c_out, c_out, 3)
        self.downsample = nn.Sequential(
            nn.AvgPool2d(2, stride=2), nn.Conv2d(c_in, c_out, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / 2, w / 2]; h and w even."""
        return self.downsample(x) + self.conv_b(self.conv_a(x))  # type: ignore[no-any-return]
