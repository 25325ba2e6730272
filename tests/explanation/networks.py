"""Networks of four kinds, small, with a batch that each takes and a layer to kill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradalign import get_space

CELL = (
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|"
    "+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"
)
CLASSES = 5


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.short = (
            nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            if stride > 1 or inputs != outputs
            else nn.Identity()
        )

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.short(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        widths = (8, 8, 16, 16, 32, 32)
        self.blocks = nn.Sequential(
            *(
                BasicBlock(a, b, 1 if a == b else 2)
                for a, b in zip((8, *widths), widths, strict=False)
            )
        )
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x):
        return self.head(self.blocks(F.relu(self.norm(self.stem(x)))).mean((2, 3)))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, stride=4)
        self.blocks = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True, norm_first=True),
            2,
            enable_nested_tensor=False,
        )
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x):
        return self.head(self.blocks(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


class LSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(30, 12)
        self.lstm = nn.LSTM(12, 10, batch_first=True)
        self.hidden = nn.Linear(10, 8)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, ids):
        return self.head(F.relu(self.hidden(self.lstm(self.words(ids))[0][:, -1])))


def images(n: int = 20) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(n, 3, 16, 16, generator=generator), torch.arange(n) % CLASSES


def sentences(n: int = 20) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(0, 30, (n, 7), generator=generator), torch.arange(n) % CLASSES


@dataclass(frozen=True)
class Subject:
    """A network, its batch, and one of its layers that can be made dead."""

    make: Callable[[], nn.Module]
    batch: Callable[[], tuple[Tensor, Tensor]]
    layer: str

    def network(self) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(7)
            return self.make()


SUBJECTS = {
    "cell_cnn": Subject(
        lambda: get_space("nb201").build(CELL, num_classes=CLASSES, channels=4, cells=1),
        images,
        "cells.0.layers.0.op.1",
    ),
    "resnet": Subject(ResNet, images, "blocks.2.conv1"),
    "vit": Subject(ViT, images, "blocks.layers.1.linear1"),
    "lstm": Subject(LSTM, sentences, "hidden"),
}
