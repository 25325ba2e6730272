"""The networks that are timed: images of 32 x 32, 10 classes, freshly initialised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradalign.spaces import get_space

CLASSES = 10
IMAGE = (3, 32, 32)

NB201_BEST = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)
"""The cell with the best published accuracy on CIFAR-10."""


def _convolution(c_in: int, c_out: int, kernel_size: int, **options: int) -> nn.Sequential:
    """Convolution that keeps the map's size (over its stride), then normalisation."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel_size, padding=kernel_size // 2, bias=False, **options),
        nn.BatchNorm2d(c_out),
    )


class _PooledClassifier(nn.Module):
    """Convolutional features, their mean over positions, and a Linear layer."""

    def __init__(self, features: nn.Module, channels: int) -> None:
        super().__init__()
        self.features = features
        self.classifier = nn.Linear(channels, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)))


class _BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is 1x1 where the shape changes."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(c_in, c_out, 3, stride=stride), nn.ReLU(), _convolution(c_out, c_out, 3)
        )
        same = c_in == c_out and stride == 1
        self.shortcut = nn.Identity() if same else _convolution(c_in, c_out, 1, stride=stride)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.body(x) + self.shortcut(x))


def resnet(stem: int, widths: Sequence[int], blocks: int) -> nn.Module:
    """Stages of `blocks` basic blocks each; every stage but the first halves the map."""
    layers = [_convolution(3, stem, 3), nn.ReLU()]
    channels = stem
    for stage, width in enumerate(widths):
        for block in range(blocks):
            layers.append(_BasicBlock(channels, width, stride=2 if stage and not block else 1))
            channels = width
    return _PooledClassifier(nn.Sequential(*layers), channels)


def depthwise_separable(stem: int, stages: Sequence[tuple[int, int]]) -> nn.Module:
    """Pairs of a depthwise 3x3 and a 1x1 convolution, one for each (channels, stride)."""
    layers = [_convolution(3, stem, 3), nn.ReLU()]
    channels = stem
    for width, stride in stages:
        layers += [_convolution(channels, channels, 3, stride=stride, groups=channels), nn.ReLU()]
        layers += [_convolution(channels, width, 1), nn.ReLU()]
        channels = width
    return _PooledClassifier(nn.Sequential(*layers), channels)


class _Attention(nn.Module):
    """Self-attention from one projection to queries, keys and values."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        heads = self.qkv(x).view(n, tokens, 3, self.heads, width // self.heads)
        q, k, v = heads.permute(2, 0, 3, 1, 4)  # each [n, heads, tokens, width of a head]
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).reshape(n, tokens, width))


class _TransformerBlock(nn.Module):
    """Attention and a two-layer network, each behind a LayerNorm and beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), _Attention(width, heads))
        self.network = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.network(x)


class VisionTransformer(nn.Module):
    """Patches of 4 x 4 (64 tokens), `depth` blocks, mean over tokens."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.position = nn.Parameter(torch.randn(1, 64, width) * 0.02)
        self.blocks = nn.Sequential(*[_TransformerBlock(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.position
        return self.classifier(self.norm(self.blocks(tokens)).mean(1))


def linear_stack(width: int, depth: int) -> nn.Module:
    """`depth` hidden layers of `width` with ReLU on the flattened image."""
    layers: list[nn.Module] = [nn.Flatten()]
    features = 3 * 32 * 32
    for _ in range(depth):
        layers += [nn.Linear(features, width), nn.ReLU()]
        features = width
    return nn.Sequential(*layers, nn.Linear(features, CLASSES))


@dataclass(frozen=True)
class Network:
    """A network by name: how to build it, and the batch sizes at which it is timed."""

    title: str
    make: Callable[[], nn.Module]
    batches: tuple[int, ...] = (64,)

    def build(self) -> nn.Module:
        """The same weights at every call, in train mode."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            return self.make().train()


NETWORKS: Mapping[str, Network] = {
    "nb201": Network(
        "NAS-Bench-201 best cell, C=16, N=5", lambda: get_space("nb201").build(NB201_BEST), (64, 16)
    ),
    "resnet18": Network(
        "ResNet-18-like, stem 16, widths 64-512", lambda: resnet(16, (64, 128, 256, 512), 2)
    ),
    "vit": Network("ViT, width 192, depth 6, 64 tokens", lambda: VisionTransformer(192, 6, 3)),
    "depthwise": Network(
        "depthwise-separable, 64-512",
        lambda: depthwise_separable(
            32, ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5)
        ),
    ),
    "linear": Network("Linear stack, 3072-512x4-10", lambda: linear_stack(512, 4)),
    "tiny": Network("a small residual network, to try this out", lambda: resnet(4, (8,), 1)),
}

DEFAULT = tuple(name for name in NETWORKS if name != "tiny")


def draw(batch_size: int) -> tuple[Tensor, Tensor]:
    """Normal noise [n, 3, 32, 32] and labels [n]; the values do not matter for time."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(batch_size, *IMAGE, generator=generator)
    return inputs, torch.randint(0, CLASSES, (batch_size,), generator=generator)
