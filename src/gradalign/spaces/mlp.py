"""Plain stacks of linear layers with ReLU, for small studies."""

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._base import SPACES, Space, Task, Trial, exchanged, quoted, reject, tasks

EXAMPLE = "64-64-32"

WIDTHS = (8, 16, 32, 64, 128, 256)
"""What a hidden layer may have."""

MAX_DEPTH = 6
"""Hidden layers of the deepest stack."""


@dataclass(frozen=True)
class Architecture:
    """The width of each hidden layer, from the input on.

    Raises:
        InputError: No layer, too many, or a width that the space does not have.
    """

    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.widths) <= MAX_DEPTH:
            raise InputError(f"1 to {MAX_DEPTH} hidden layers are needed, found {len(self.widths)}")
        for width in self.widths:
            if type(width) is not int or width not in WIDTHS:
                raise InputError(
                    f"width {quoted(str(width))} is unknown: choose from "
                    f"{', '.join(map(str, WIDTHS))}"
                )

    def __str__(self) -> str:
        return MLP.format(self)


class _MLP(Space[Architecture]):
    """Stacks of one to six hidden layers; the first weight grows with the input."""

    name = "mlp"
    size = sum(len(WIDTHS) ** depth for depth in range(1, MAX_DEPTH + 1))
    tasks = tasks(Task(name="digits", input_size=(3, 16, 16), num_classes=10))
    options: Mapping[str, int] = {}
    example = EXAMPLE
    description = "one to six linear layers with ReLU, each of one of six widths"
    source = "no paper: made for small studies"
    licence = "that of this package"

    def parse(self, text: str) -> Architecture:
        """The widths with '-' between them.

        Example:
            >>> MLP.parse("64-64-32").widths
            (64, 64, 32)
        """
        known = {str(width): width for width in WIDTHS}
        parts = text.strip().split("-")
        for part in parts:
            if part not in known:
                raise _malformed(
                    text, f"width {quoted(part)} is unknown: choose from {', '.join(known)}"
                )
        try:
            return Architecture(tuple(known[part] for part in parts))
        except InputError as fault:
            raise _malformed(text, str(fault)) from None

    def format(self, arch: Architecture) -> str:
        """The widths with '-' between them."""
        return "-".join(map(str, arch.widths))

    def sample(self, rng: random.Random) -> Architecture:
        """A stack drawn uniformly: deeper ones, of which there are more, more often."""
        depths = range(1, MAX_DEPTH + 1)
        (depth,) = rng.choices(depths, weights=[len(WIDTHS) ** depth for depth in depths])
        return Architecture(tuple(rng.choices(WIDTHS, k=depth)))

    def enumerate(self) -> Iterator[Architecture]:
        """Every stack by its depth, the last width varying fastest."""
        for depth in range(1, MAX_DEPTH + 1):
            yield from map(Architecture, itertools.product(WIDTHS, repeat=depth))

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """The stacks with one other width, or with one layer less or more at the end."""
        found = list(exchanged(arch.widths, [WIDTHS] * len(arch.widths)))
        if len(arch.widths) > 1:
            found.append(arch.widths[:-1])
        if len(arch.widths) < MAX_DEPTH:
            found += [(*arch.widths, last) for last in WIDTHS]
        return [Architecture(widths) for widths in found]

    def canonical(self, arch: Architecture) -> str:
        """The spelling: every width shows in the network."""
        return self.format(arch)

    def suggest(self, trial: Trial) -> Architecture:
        """The depth, and a width for each layer: `width0` is that of the first."""
        depth = trial.suggest_int("depth", 1, MAX_DEPTH)
        return Architecture(
            tuple(trial.suggest_categorical(_width(layer), WIDTHS) for layer in range(depth))
        )

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """The depth, and the width of each layer."""
        widths = {_width(layer): width for layer, width in enumerate(arch.widths)}
        return {"depth": len(arch.widths), **widths}

    def _build(
        self,
        arch: Architecture,
        task: Task,
        options: Mapping[str, int],  # noqa: ARG002
    ) -> nn.Module:
        sizes = (math.prod(task.input_size), *arch.widths)
        hidden = (
            layer
            for c_in, c_out in itertools.pairwise(sizes)
            for layer in (nn.Linear(c_in, c_out), nn.ReLU())
        )
        return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], task.num_classes))


MLP = _MLP()
SPACES.add(MLP.name, MLP)


def _width(layer: int) -> str:
    """How the width of a layer is called where it is suggested."""
    return f"width{layer}"


def _malformed(text: str, fault: str) -> InputError:
    return reject("mlp", text, fault, EXAMPLE)
