"""Operations on the edges of cells, as DARTS and pycls define them."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


class SeparableConv(nn.Module):
    """ReLU, depthwise and pointwise convolution, normalisation, all of it once or more often."""

    def __init__(
        self, channels: int, kernel: int, stride: int, *, dilation: int = 1, repeats: int = 1
    ) -> None:
        super().__init__()
        self.op = nn.Sequential()
        for each in range(repeats):
            depthwise = nn.Conv2d(
                channels,
                channels,
                kernel,
                stride=1 if each else stride,
                padding=dilation * (kernel // 2),
                dilation=dilation,
                groups=channels,
                bias=False,
            )
            pointwise = nn.Conv2d(channels, channels, 1, bias=False)
            self.op.extend([nn.ReLU(), depthwise, pointwise, nn.BatchNorm2d(channels)])

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] to [n, c, h / stride, w / stride], rounded up."""
        return self.op(x)  # type: ignore[no-any-return]


class FactorizedReduction(nn.Module):
    """ReLU, two pointwise convolutions of stride 2, one of them a pixel further, normalisation."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv_1 = nn.Conv2d(c_in, c_out // 2, 1, stride=2, bias=False)
        self.conv_2 = nn.Conv2d(c_in, c_out // 2, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / 2, w / 2], rounded up; c_out even."""
        x = self.relu(x)
        # padded as in pycls, so that odd sizes fit; without effect on even ones
        further = nn.functional.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(further)], 1))  # type: ignore[no-any-return]


class Zero(nn.Module):
    """Zeros that stay connected to the input, as the published networks have them."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] to zeros [n, c, h / stride, w / stride], rounded up."""
        return x[:, :, :: self.stride, :: self.stride].mul(0.0)


def _conv(channels: int, kernel: int, stride: int) -> nn.Module:
    conv = nn.Conv2d(channels, channels, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(channels))


def _two_step_conv(channels: int, kernel: int, stride: int) -> nn.Module:
    """A row, then a column, without anything in between."""
    half = kernel // 2
    row = nn.Conv2d(
        channels, channels, (1, kernel), stride=(1, stride), padding=(0, half), bias=False
    )
    column = nn.Conv2d(
        channels, channels, (kernel, 1), stride=(stride, 1), padding=(half, 0), bias=False
    )
    return nn.Sequential(nn.ReLU(), row, column, nn.BatchNorm2d(channels))


def _average(kernel: int, stride: int) -> nn.Module:
    return nn.AvgPool2d(kernel, stride=stride, padding=kernel // 2, count_include_pad=False)


def _maximum(kernel: int, stride: int) -> nn.Module:
    return nn.MaxPool2d(kernel, stride=stride, padding=kernel // 2)


def _skip(channels: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduction(channels, channels)


OPERATIONS: Mapping[str, Callable[[int, int], nn.Module]] = {
    "none": lambda _, s: Zero(s),
    "avg_pool_3x3": lambda _, s: _average(3, s),
    "avg_pool_5x5": lambda _, s: _average(5, s),
    "max_pool_3x3": lambda _, s: _maximum(3, s),
    "max_pool_5x5": lambda _, s: _maximum(5, s),
    "max_pool_7x7": lambda _, s: _maximum(7, s),
    "skip_connect": _skip,
    "conv_1x1": lambda c, s: _conv(c, 1, s),
    "conv_3x3": lambda c, s: _conv(c, 3, s),
    "conv_3x1_1x3": lambda c, s: _two_step_conv(c, 3, s),
    "conv_7x1_1x7": lambda c, s: _two_step_conv(c, 7, s),
    "sep_conv_3x3": lambda c, s: SeparableConv(c, 3, s, repeats=2),
    "sep_conv_5x5": lambda c, s: SeparableConv(c, 5, s, repeats=2),
    "sep_conv_7x7": lambda c, s: SeparableConv(c, 7, s, repeats=2),
    "dil_conv_3x3": lambda c, s: SeparableConv(c, 3, s, dilation=2),
    "dil_conv_5x5": lambda c, s: SeparableConv(c, 5, s, dilation=2),
    "dil_sep_conv_3x3": lambda c, s: SeparableConv(c, 3, s, dilation=2, repeats=2),
}
"""Operations by their published name, each a function of the number of channels and the stride.

Those of pycls without its 2x2 poolings, which at stride 1 shrink the map that is to be added.
"""
