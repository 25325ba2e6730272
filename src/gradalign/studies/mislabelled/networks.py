"""The networks that are trained: one or two of each of five kinds, all small."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradalign.candidate import seeded
from gradalign.studies.convergence.networks import CLASSES, SHAPE
from gradalign.studies.convergence.networks import build as of_space
from gradalign.training import Recipe

EPOCHS, STEP = 30, 64
"""Length of a training, and samples of one of its steps."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A kind of network, and how fast it is trained.

    Args:
        make: The network, initialised by the seed given.
        learning_rate: Of its first step.
    """

    make: Callable[[int], nn.Module]
    learning_rate: float

    @property
    def recipe(self) -> Recipe:
        """How it is trained."""
        return Recipe(epochs=EPOCHS, batch_size=STEP, learning_rate=self.learning_rate)


class Attention(nn.Module):
    """One layer of a transformer that normalises first: attention, then two linear layers."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.rest = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, tokens, width] to the same shape."""
        normalised = self.before(x)
        x = x + self.attention(normalised, normalised, normalised, need_weights=False)[0]
        return x + self.rest(x)  # type: ignore[no-any-return]


class VisionTransformer(nn.Module):
    """Patches of 4x4 pixels, a learned place for each, two layers, the mean of the tokens."""

    def __init__(self, width: int = 32, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        channels, height, side = SHAPE
        self.patches = nn.Conv2d(channels, width, 4, stride=4)
        self.places = nn.Parameter(0.02 * torch.randn(1, height * side // 16, width))
        self.layers = nn.Sequential(*(Attention(width, heads) for _ in range(layers)))
        self.classifier = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, 16, 16] to logits [n, 10]."""
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.places
        return self.classifier(self.layers(tokens).mean(1))  # type: ignore[no-any-return]


def _plain() -> nn.Module:
    """Three convolutions without normalisation or skip connection."""
    layers: list[nn.Module] = []
    channels, *_ = SHAPE
    for width, stride in ((16, 1), (32, 2), (32, 2)):
        layers += [nn.Conv2d(channels, width, 3, stride=stride, padding=1), nn.ReLU()]
        channels = width
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, CLASSES)
    )


def _own(make: Callable[[], nn.Module]) -> Callable[[int], nn.Module]:
    """`make`, whose draws are those of the seed."""

    def build(seed: int) -> nn.Module:
        with seeded(seed):
            return make()

    return build


def _of(space: str, arch: str) -> Callable[[int], nn.Module]:
    return lambda seed: of_space(space, arch, seed)


NETWORKS: Mapping[str, Network] = {
    "residual cell": Network(
        make=_of(
            "nb201",
            "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
        ),
        learning_rate=0.02,
    ),
    "pooling cell": Network(
        make=_of(
            "nb201",
            "|avg_pool_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|",
        ),
        learning_rate=0.02,
    ),
    "inverted residual": Network(make=_of("macro", "11111111"), learning_rate=0.02),
    "plain convolutions": Network(make=_own(_plain), learning_rate=0.05),
    "linear layers": Network(make=_of("mlp", "128-64"), learning_rate=0.05),
    "attention": Network(make=_own(VisionTransformer), learning_rate=0.05),
}
"""By what they are, as sentences have it."""
