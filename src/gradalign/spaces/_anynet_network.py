"""The networks that pycls builds of AnyNet configurations."""

import math
from collections import OrderedDict

import torch
from torch import Tensor, nn

from gradalign.spaces._anynet import BASIC, VANILLA, AnyNet, Stage


def _conv(c_in: int, c_out: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(
        c_in, c_out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False
    )


def _stack(*convolutions: nn.Conv2d) -> "OrderedDict[str, nn.Module]":
    """Convolutions a, b, c, each with its normalisation, and ReLUs between them."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for name, convolution in zip("abc", convolutions, strict=False):
        layers[name] = convolution
        layers[f"{name}_bn"] = nn.BatchNorm2d(convolution.out_channels)
        layers[f"{name}_relu"] = nn.ReLU()
    return layers


class Residual(nn.Module):
    """A shortcut, projected where the shape changes, plus a stack that ends in normalisation."""

    def __init__(self, c_in: int, stage: Stage, stride: int, f: nn.Module) -> None:
        super().__init__()
        self.projected = c_in != stage.width or stride != 1
        if self.projected:
            self.proj = _conv(c_in, stage.width, 1, stride=stride)
            self.bn = nn.BatchNorm2d(stage.width)
        self.f = f
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, width, h / stride, w / stride], rounded up."""
        shortcut = self.bn(self.proj(x)) if self.projected else x
        return self.relu(shortcut + self.f(x))  # type: ignore[no-any-return]


def _block(block_type: str, c_in: int, stage: Stage, stride: int) -> nn.Module:
    width, inner = stage.width, stage.inner
    if block_type in (VANILLA, BASIC):
        layers = _stack(_conv(c_in, width, 3, stride=stride), _conv(width, width, 3))
        if block_type == VANILLA:
            return nn.Sequential(layers)
    else:
        layers = _stack(
            _conv(c_in, inner, 1),
            _conv(inner, inner, 3, stride=stride, groups=stage.groups),
            _conv(inner, width, 1),
        )
    layers.popitem()  # the last ReLU comes after the sum
    return Residual(c_in, stage, stride, nn.Sequential(layers))


class Network(nn.Sequential):
    """Stem, stages, mean over the map, linear layer.

    The stem for small images is a 3x3 convolution to 16 channels; the one for ImageNet a 7x7
    convolution of stride 2 to 64 channels and a pooling of stride 2. Parameters bear the published
    names and are initialised as published: normally distributed, convolutions with variance
    2 / (kernel area * output channels), the linear layer with standard deviation 0.01, its bias 0.

    Args:
        net: The stages.
        imagenet: Whether the stem is the one for ImageNet.
        num_classes: Number of outputs.

    Source:
        facebookresearch/pycls, pycls/models/anynet.py; widths of stems from its configurations of
        ResNet-56 (CIFAR) and ResNet-50.
    """

    def __init__(self, net: AnyNet, *, imagenet: bool, num_classes: int) -> None:
        super().__init__()
        c_in, kernel, stride = (64, 7, 2) if imagenet else (16, 3, 1)
        self.stem = nn.Sequential(
            OrderedDict(
                conv=_conv(3, c_in, kernel, stride=stride), bn=nn.BatchNorm2d(c_in), relu=nn.ReLU()
            )
        )
        if imagenet:
            self.stem.add_module("pool", nn.MaxPool2d(3, stride=2, padding=1))
        for number, stage in enumerate(net.stages, start=1):
            blocks = nn.Sequential()
            for block in range(stage.depth):
                stride = 1 if block else stage.stride
                blocks.add_module(f"b{block + 1}", _block(net.block_type, c_in, stage, stride))
                c_in = stage.width
            self.add_module(f"s{number}", blocks)
        self.head = Head(c_in, num_classes)
        self.apply(_initialise)


class Head(nn.Module):
    """Mean over the map, linear layer."""

    def __init__(self, c_in: int, num_classes: int) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(c_in, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c_in, h, w] to [n, num_classes]."""
        return self.fc(torch.flatten(self.avg_pool(x), 1))  # type: ignore[no-any-return]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        fan_out = math.prod(module.kernel_size) * module.out_channels
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)
