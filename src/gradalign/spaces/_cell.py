"""Building parts that cell-based spaces share."""

from torch import Tensor, nn


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
