"""Search a space of your own: a function that makes a small CNN or transformer of a trial."""

import json
import sys
import tempfile
from pathlib import Path

from optuna.trial import FixedTrial
from torch import Tensor, nn

import gradalign as ga


def build(trial) -> nn.Module:
    """A network of the space: every `suggest_*` call is a decision."""
    width = trial.suggest_categorical("width", (8, 16, 32))
    depth = trial.suggest_int("depth", 1, 3)
    if trial.suggest_categorical("kind", ("cnn", "transformer")) == "cnn":
        return cnn(width, depth, trial.suggest_categorical("kernel", (3, 5)))
    return Transformer(width, depth, trial.suggest_categorical("heads", (1, 2, 4)))


def cnn(width: int, depth: int, kernel: int) -> nn.Module:
    """Convolutions with batch normalisation, each halving the map."""
    layers: list[nn.Module] = []
    for c_in, c_out in zip([3, *[width] * depth], [width] * depth, strict=False):
        layers += [
            nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


class Transformer(nn.Module):
    """Attention between the 4x4 patches of an image."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0, batch_first=True)
                for _ in range(depth)
            )
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)  # [n, tokens, width]
        return self.head(self.blocks(x).mean(1))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = ga.search(build, budget=16, max_params=20_000, db=Path(folder) / "search.db")
        print(found)
    decisions = json.loads(found.best.arch)
    print("\nThe winner again, from its decisions alone:")
    print(ga.score(lambda: build(FixedTrial(decisions)), proxies=["gradalign_plus", "params"]))


if __name__ == "__main__":
    sys.exit(main())
