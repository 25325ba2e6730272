"""NATS-Bench's size space: 32,768 networks of one cell whose five layers differ in width."""

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._base import SPACES, Space, Task, Trial, exchanged, quoted, reject, tasks
from gradalign.spaces._flops import Convention, count_flops
from gradalign.spaces._nats_network import Network

EXAMPLE = "8:16:24:64:40"

LAYERS = 5

WIDTHS = (8, 16, 24, 32, 40, 48, 56, 64)
"""Channels that a layer can have."""

DECISIONS = tuple(f"layer {layer}" for layer in range(LAYERS))
"""How the widths are called where they are suggested."""

CONVENTION = Convention(linear_bias=1)


@dataclass(frozen=True)
class Architecture:
    """The channels of each of the five layers.

    Raises:
        InputError: Not five, or a width that the space does not have.
    """

    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.widths) != LAYERS:
            raise InputError(
                f"a nats_sss network has {LAYERS} layers, found {len(self.widths)} widths"
            )
        for width in self.widths:
            if width not in WIDTHS:
                raise InputError(
                    f"a nats_sss layer has no width {quoted(str(width))}: "
                    f"choose from {', '.join(map(str, WIDTHS))}"
                )

    def __str__(self) -> str:
        return NATS_SSS.format(self)


class _SizeSpace(Space[Architecture]):
    """NATS-Bench's size space; its networks are the published ones and have no options."""

    name = "nats_sss"
    size = len(WIDTHS) ** LAYERS
    tasks = tasks(
        Task(name="cifar10", input_size=(3, 32, 32), num_classes=10),
        Task(name="cifar100", input_size=(3, 32, 32), num_classes=100),
        Task(name="imagenet16-120", input_size=(3, 16, 16), num_classes=120),
    )
    options: Mapping[str, int] = {}
    example = EXAMPLE
    flops_convention = "multiply-adds of convolutions and the classifier, and 1 for each class"
    description = "the widths of five layers, one of eight each; the cell is fixed"
    source = (
        "Dong, Liu, Musial & Gabrys, NATS-Bench, TPAMI 2021 (arXiv 2009.00437); "
        "code D-X-Y/AutoDL-Projects, DynamicShapeTinyNet"
    )
    licence = "MIT"

    def parse(self, text: str) -> Architecture:
        """The network whose widths stand between colons, the first layer's first.

        Example:
            >>> NATS_SSS.parse("8:16:24:64:40").widths
            (8, 16, 24, 64, 40)
        """
        known = {str(width): width for width in WIDTHS}
        given = text.strip().split(":")
        try:
            for width in given:
                if width not in known:
                    raise InputError(f"{quoted(width)} is no width: choose from {', '.join(known)}")
            return Architecture(tuple(known[width] for width in given))
        except InputError as fault:
            raise reject(self.name, text, str(fault), EXAMPLE) from None

    def format(self, arch: Architecture) -> str:
        """The published spelling."""
        return ":".join(map(str, arch.widths))

    def sample(self, rng: random.Random) -> Architecture:
        """A network whose widths are drawn independently."""
        return Architecture(tuple(rng.choices(WIDTHS, k=LAYERS)))

    def enumerate(self) -> Iterator[Architecture]:
        """All 32,768, the last layer varying fastest: the order of the published index."""
        return map(Architecture, itertools.product(WIDTHS, repeat=LAYERS))

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """The 35 networks that differ in the width of one layer."""
        return [Architecture(widths) for widths in exchanged(arch.widths, [WIDTHS] * LAYERS)]

    def canonical(self, arch: Architecture) -> str:
        """The spelling: no two networks are isomorphic."""
        return self.format(arch)

    def suggest(self, trial: Trial) -> Architecture:
        """One width a layer: `layer 0` to `layer 4`."""
        return Architecture(tuple(trial.suggest_categorical(name, WIDTHS) for name in DECISIONS))

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """Every width."""
        return dict(zip(DECISIONS, arch.widths, strict=True))

    def published_flops(self, arch: Architecture | str, task: str | None = None) -> float:
        """As the published table counts them; its text is in `flops_convention`."""
        return count_flops(lambda: self.build(arch, task=task), self.task(task), CONVENTION)

    def _build(
        self,
        arch: Architecture,
        task: Task,
        options: Mapping[str, int],  # noqa: ARG002
    ) -> nn.Module:
        return Network(arch.widths, num_classes=task.num_classes)


NATS_SSS = _SizeSpace()
SPACES.add(NATS_SSS.name, NATS_SSS)
