"""The networks of Accel-NASBench: seven stages of inverted residual blocks."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

WIDTHS = (16, 24, 40, 80, 112, 192, 320)
"""Channels that each stage gives."""

STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""Stride of the first block of each stage; the others have 1."""

STEM, HEAD = 32, 1280
"""Channels before the first stage and before the classifier."""


class ConvBNReLU(nn.Sequential):
    """Convolution without bias that keeps the map's size (over its stride), then normalisation."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel_size: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
    ) -> None:
        convolution = nn.Conv2d(
            c_in,
            c_out,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        layers: list[nn.Module] = [convolution, nn.BatchNorm2d(c_out)]
        super().__init__(*layers, *([nn.ReLU()] if relu else []))


class SqueezeExcitation(nn.Module):
    """Every channel times a gate in (0, 1) that the means of all channels decide."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.activation = nn.ReLU()
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.scale_activation = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """[n, channels, h, w] to the same shape."""
        gate = self.fc2(self.activation(self.fc1(self.avgpool(x))))
        return self.scale_activation(gate) * x  # type: ignore[no-any-return]


class MBConv(nn.Module):
    """Expand, filter each channel, gate the channels where asked for, project without ReLU.

    The input is added where it has the output's shape. Without expansion the first convolution is
    left out; the gate is squeezed to a quarter of the block's input, not of its expanded channels.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        *,
        expansion: int,
        kernel_size: int,
        stride: int,
        squeeze_excitation: bool,
    ) -> None:
        super().__init__()
        channels = c_in * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [ConvBNReLU(c_in, channels)]
        layers.append(ConvBNReLU(channels, channels, kernel_size, stride=stride, groups=channels))
        if squeeze_excitation:
            layers.append(SqueezeExcitation(channels, c_in // 4))
        layers.append(ConvBNReLU(channels, c_out, relu=False))
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, c_out, h / stride, w / stride], rounded up."""
        out = self.block(x)
        return out + x if self.residual else out  # type: ignore[no-any-return]


class Network(nn.Module):
    """Stem, seven stages, a convolution to 1,280 channels, classifier.

    Parameters bear the published names and are initialised as in the published code. Its stochastic
    depth and its dropout, which only training needs, are left out: outputs are no random numbers.

    Args:
        expansion: Factor by which the blocks of each stage widen their input.
        kernel_size: Of their depthwise convolutions.
        layers: Number of blocks of each stage.
        squeeze_excitation: Whether they gate their channels.
        num_classes: Number of outputs.
    """

    def __init__(
        self,
        expansion: Sequence[int],
        kernel_size: Sequence[int],
        layers: Sequence[int],
        squeeze_excitation: Sequence[bool],
        *,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(ConvBNReLU(3, STEM, 3, stride=2))
        channels = STEM
        for stage, (width, stride) in enumerate(zip(WIDTHS, STRIDES, strict=True)):
            blocks = nn.Sequential()
            for number in range(layers[stage]):
                block = MBConv(
                    channels,
                    width,
                    expansion=expansion[stage],
                    kernel_size=kernel_size[stage],
                    stride=1 if number else stride,
                    squeeze_excitation=squeeze_excitation[stage],
                )
                blocks.append(block)
                channels = width
            self.features.append(blocks)
        self.features.append(ConvBNReLU(channels, HEAD))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        # the place of the dropout, so that the layer after it keeps its name
        self.classifier = nn.Sequential(nn.Identity(), nn.Linear(HEAD, num_classes))
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, h, w] of any size to logits [n, num_classes]."""
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))  # type: ignore[no-any-return]


def _initialise(module: nn.Module) -> None:
    """Convolutions by the size of what they give, the classifier by its outputs; no biases."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
    elif isinstance(module, nn.Linear):
        bound = 1 / math.sqrt(module.out_features)
        nn.init.uniform_(module.weight, -bound, bound)
    if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
        nn.init.zeros_(module.bias)
