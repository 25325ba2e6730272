"""Towers of fully connected layers of one width."""

import itertools

from torch import nn

from gradalign import InputError
from gradalign.spaces import SPACES, Space, Task

WIDTHS, DEPTHS = GRID = ((8, 16, 32, 64), (1, 2, 3))
NAMES = ("width", "depth")


class Towers(Space[tuple[int, int]]):
    """An architecture is (width, depth), written as 16x2."""

    name, size, options, example = "towers", 12, {}, "16x2"
    tasks = {"digits": Task(name="digits", input_size=(3, 16, 16), num_classes=10)}
    description, source, licence = "towers of one width", "this example", "Apache-2.0"

    def parse(self, text):
        found = {self.format(arch): arch for arch in self.enumerate()}.get(text.strip())
        if found is None:
            raise InputError(f"no tower {text[:40]!r}: write WIDTHxDEPTH, as in {self.example}")
        return found

    def format(self, arch):
        return f"{arch[0]}x{arch[1]}"

    def enumerate(self):
        return itertools.product(*GRID)

    def sample(self, rng):
        return tuple(rng.choice(values) for values in GRID)

    def suggest(self, trial):
        return tuple(map(trial.suggest_categorical, NAMES, GRID))

    def _decisions(self, arch):
        return dict(zip(NAMES, arch, strict=True))

    def neighbours(self, arch):
        return [other for other in self.enumerate() if sum(map(int.__ne__, arch, other)) == 1]

    def _build(self, arch, task, options):
        channels, height, width = task.input_size
        sides = (channels * height * width, *(arch[0] for _ in range(arch[1])))
        layers = [
            layer for pair in itertools.pairwise(sides) for layer in (nn.Linear(*pair), nn.ReLU())
        ]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(sides[-1], task.num_classes))


SPACES.add(Towers.name, Towers())
