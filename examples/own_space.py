"""A search space of one's own in thirty lines, the checks it passes, and a ranking in it."""

import itertools

from torch import nn

import gradalign as ga
from gradalign.spaces import Space, Task
from gradalign.testing import SPACE_CHECKS

WIDTHS, KERNELS, DEPTHS = GRID = ((8, 16, 32), (3, 5), (1, 2, 3))
NAMES = ("width", "kernel", "depth")


class Stacks(Space[tuple[int, ...]]):
    """Plain stacks of convolutions; an architecture is (width, kernel, depth)."""

    name, size, options, example = "stacks", 18, {}, "16-3-2"
    tasks = {"digits": Task(name="digits", input_size=(3, 16, 16), num_classes=10)}
    description, source, licence = "plain stacks of convolutions", "this example", "Apache-2.0"

    def parse(self, text):
        found = {self.format(arch): arch for arch in self.enumerate()}.get(text.strip())
        if found is None:
            raise ga.InputError(f"no stack {text[:40]!r}: write WIDTH-KERNEL-DEPTH, as in 16-3-2")
        return found

    def format(self, arch):
        return "-".join(map(str, arch))

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
        width, kernel, depth = arch
        layers, channels = [], task.input_size[0]
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, kernel, padding="same"), nn.ReLU()]
            channels = width
        pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, task.num_classes))
        return nn.Sequential(*layers, *pooled)


def main():
    space = Stacks()
    for check in SPACE_CHECKS:
        check(space)
    makers = {space.format(a): lambda a=a: space.build(a) for a in space.enumerate()}
    print(ga.rank(makers, data="digits", batch_size=32, input_size=(3, 16, 16)))


if __name__ == "__main__":
    main()
