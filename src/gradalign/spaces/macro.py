"""NAS-Bench-Macro: 6,561 chains of eight blocks."""

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._base import SPACES, Space, Task, Trial, exchanged, quoted, reject, tasks
from gradalign.spaces._flops import Convention, count_flops
from gradalign.spaces._macro_network import BLOCKS, STAGES, Network

EXAMPLE = "12120111"

DECISIONS = tuple(f"block_{position}" for position in range(sum(STAGES)))
"""How the blocks are called where they are suggested."""

CONVENTION = Convention()


@dataclass(frozen=True)
class Architecture:
    """A chain of blocks: 0 identity, 1 inverted residual 3x3 (expansion 3), 2 5x5 (expansion 6).

    Raises:
        InputError: Not eight blocks, or one that the space does not have.
    """

    blocks: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.blocks) != sum(STAGES):
            raise InputError(f"a macro network has {sum(STAGES)} blocks, found {len(self.blocks)}")
        for block in self.blocks:
            if block not in BLOCKS:
                raise InputError(f"unknown macro block {block}: choose from 0, 1, 2")

    def __str__(self) -> str:
        return MACRO.format(self)


class _Macro(Space[Architecture]):
    """NAS-Bench-Macro; its networks are the published ones with `channels` 32.

    Option of `build`: `channels` of the stem, doubled in each of the three stages.
    """

    name = "macro"
    size = len(BLOCKS) ** sum(STAGES)
    tasks = tasks(Task(name="cifar10", input_size=(3, 32, 32), num_classes=10))
    options: Mapping[str, int] = {"channels": 32}
    example = EXAMPLE
    flops_convention = "multiply-adds of the convolutions and of the linear layer, nothing besides"
    description = "chains of eight blocks, each an identity or one of two inverted residuals"
    source = (
        "Su et al., Prioritized Architecture Sampling with Monte-Carlo Tree Search, CVPR 2021 "
        "(arXiv 2103.11922); code xiusu/NAS-Bench-Macro"
    )
    licence = "Apache-2.0"

    def parse(self, text: str) -> Architecture:
        """The chain spelled as eight digits.

        Example:
            >>> MACRO.parse("02012100").blocks
            (0, 2, 0, 1, 2, 1, 0, 0)
        """
        digits = text.strip()
        for digit in digits:
            if digit not in "012":
                fault = f"{quoted(digit)} is not one of the blocks 0, 1, 2"
                raise reject(self.name, text, fault, EXAMPLE)
        try:
            return Architecture(tuple(map(int, digits)))
        except InputError as fault:
            raise reject(self.name, text, str(fault), EXAMPLE) from None

    def format(self, arch: Architecture) -> str:
        """The published spelling."""
        return "".join(map(str, arch.blocks))

    def sample(self, rng: random.Random) -> Architecture:
        """A chain whose blocks are drawn independently."""
        return Architecture(tuple(rng.choices(tuple(BLOCKS), k=sum(STAGES))))

    def enumerate(self) -> Iterator[Architecture]:
        """All 6,561, the last block varying fastest."""
        return map(Architecture, itertools.product(BLOCKS, repeat=sum(STAGES)))

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """The 16 chains that differ in one block."""
        changed = exchanged(arch.blocks, [BLOCKS] * len(arch.blocks))
        return [Architecture(blocks) for blocks in changed]

    def canonical(self, arch: Architecture) -> str:
        """The spelling with the identities inside each stage put last; there are 3,969.

        After the first block of a stage an identity does nothing at all, so where it stands makes
        no difference: isomorphic architectures are one network, parameters included. The published
        table lists the same training runs for them.

        Example:
            >>> MACRO.canonical(MACRO.parse("00001102"))
            '00010120'
        """
        blocks = iter(arch.blocks)
        moved: list[int] = []
        for depth in STAGES:
            first, *others = itertools.islice(blocks, depth)
            moved += [first, *sorted(others, key=lambda block: block == 0)]
        return "".join(map(str, moved))

    def suggest(self, trial: Trial) -> Architecture:
        """One block a position, counted from 0."""
        return Architecture(
            tuple(trial.suggest_categorical(name, tuple(BLOCKS)) for name in DECISIONS)
        )

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """Every block."""
        return dict(zip(DECISIONS, arch.blocks, strict=True))

    def published_flops(self, arch: Architecture | str, task: str | None = None) -> float:
        """As the published table counts them; its text is in `flops_convention`."""
        return count_flops(lambda: self.build(arch, task=task), self.task(task), CONVENTION)

    def _build(self, arch: Architecture, task: Task, options: Mapping[str, int]) -> nn.Module:
        return Network(arch.blocks, num_classes=task.num_classes, **options)


MACRO = _Macro()
SPACES.add(MACRO.name, MACRO)
