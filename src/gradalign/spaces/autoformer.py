"""AutoFormer: vision transformers in three sizes, block by block."""

import itertools
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._autoformer_network import Network
from gradalign.spaces._base import SPACES, Space, Task, Trial, quoted, reject, tasks
from gradalign.spaces._json import read_object

EXAMPLE = (
    '{"hidden_dim": 192, '
    '"mlp_ratio": [3.5, 4.0, 4.0, 3.5, 4.0, 4.0, 3.5, 4.0, 4.0, 3.5, 4.0, 4.0], "depth": 12, '
    '"num_heads": [3, 4, 3, 3, 3, 4, 3, 3, 3, 4, 3, 3]}'
)

KEYS = ("hidden_dim", "mlp_ratio", "depth", "num_heads")


@dataclass(frozen=True, kw_only=True)
class Supernet:
    """One of the published supernets: what its networks may have.

    Args:
        widths: Of the tokens.
        depths: Numbers of blocks.
        heads: Numbers of attention heads of a block.
        ratios: Widths of a block's hidden layer over that of the tokens.
    """

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    ratios: tuple[float, ...] = (3.0, 3.5, 4.0)

    @property
    def blocks(self) -> tuple[tuple[int, float], ...]:
        """What a block can be: its heads and its ratio."""
        return tuple(itertools.product(self.heads, self.ratios))


TINY = Supernet(widths=(192, 216, 240), depths=(12, 13, 14), heads=(3, 4), ratios=(3.5, 4.0))
SMALL = Supernet(widths=(320, 384, 448), depths=(12, 13, 14), heads=(5, 6, 7))
BASE = Supernet(widths=(528, 576, 624), depths=(14, 15, 16), heads=(8, 9, 10))

SUPERNETS: Mapping[int, Supernet] = {
    width: supernet for supernet in (TINY, SMALL, BASE) for width in supernet.widths
}
"""The supernet that a width belongs to."""

RATIOS = SMALL.ratios
"""Those of every supernet: the released AutoFormer-T has blocks of ratio 3, which TINY has not."""


@dataclass(frozen=True)
class Architecture:
    """A width, and the blocks from the first to the last.

    Args:
        width: Of the tokens; it decides which supernet's values the blocks may have.
        blocks: Number of heads and MLP ratio of each.

    Raises:
        InputError: A width of no supernet, or another value that the width's supernet has not.
    """

    width: int
    blocks: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        _check("hidden_dim", self.width, tuple(SUPERNETS))
        _check("depth", len(self.blocks), self.supernet.depths)
        for number, (heads, ratio) in enumerate(self.blocks):
            _check(f"num_heads of block {number}", heads, self.supernet.heads)
            _check(f"mlp_ratio of block {number}", ratio, RATIOS)

    def __str__(self) -> str:
        return AUTOFORMER.format(self)

    @property
    def supernet(self) -> Supernet:
        """The one that it is part of."""
        return SUPERNETS[self.width]


class _AutoFormer(Space[Architecture]):
    """AutoFormer; what is drawn, enumerated and counted are the networks of its tiny supernet.

    Those of the small and the base supernet, and blocks of ratio 3 in tiny ones, as the released
    AutoFormer-T has them, are parsed, built and mutated as well. Networks are the published ones
    with `patch_size` 16; smaller patches make more tokens of small images.

    Options of `build`: `patch_size`, height and width of a patch.
    """

    name = "autoformer"
    size = len(TINY.widths) * sum(len(TINY.blocks) ** depth for depth in TINY.depths)
    tasks = tasks(Task(name="imagenet", input_size=(3, 224, 224), num_classes=1000))
    options: Mapping[str, int] = {"patch_size": 16}
    example = EXAMPLE
    description = "vision transformers: width, depth, and heads and MLP ratio of each block"
    source = (
        "Chen et al., AutoFormer, ICCV 2021 (arXiv 2107.00651); code microsoft/Cream, trained with "
        "--gp --change_qkv --relative_position"
    )
    licence = "MIT"

    def parse(self, text: str) -> Architecture:
        """The network spelled as a JSON object; lists may go on after `depth`, as published ones.

        Example:
            >>> len(AUTOFORMER.parse(EXAMPLE).blocks)
            12
        """
        try:
            return _read(text)
        except InputError as fault:
            raise reject(self.name, text, str(fault), EXAMPLE) from None

    def format(self, arch: Architecture) -> str:
        """The published keys, the lists as long as the network is deep."""
        heads, ratios = zip(*arch.blocks, strict=True)
        values = (arch.width, [float(ratio) for ratio in ratios], len(arch.blocks), heads)
        return json.dumps(dict(zip(KEYS, values, strict=True)))

    def sample(self, rng: random.Random) -> Architecture:
        """A tiny network drawn uniformly: deeper ones, of which there are more, more often."""
        each = [len(TINY.blocks) ** depth for depth in TINY.depths]
        (depth,) = rng.choices(TINY.depths, weights=each)
        return Architecture(rng.choice(TINY.widths), tuple(rng.choices(TINY.blocks, k=depth)))

    def enumerate(self) -> Iterator[Architecture]:
        """The tiny networks by width, then by depth, the last block varying fastest."""
        for width, depth in itertools.product(TINY.widths, TINY.depths):
            for blocks in itertools.product(TINY.blocks, repeat=depth):
                yield Architecture(width, blocks)

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """The networks of the same supernet with one value changed, or one block more or less.

        The block is added or taken at the end.
        """
        supernet, blocks = arch.supernet, arch.blocks
        found = [replace(arch, width=other) for other in supernet.widths if other != arch.width]
        for number, (heads, ratio) in enumerate(blocks):
            others = [(other, ratio) for other in supernet.heads if other != heads]
            others += [(heads, other) for other in supernet.ratios if other != ratio]
            found += [
                replace(arch, blocks=(*blocks[:number], block, *blocks[number + 1 :]))
                for block in others
            ]
        if len(blocks) - 1 in supernet.depths:
            found.append(replace(arch, blocks=blocks[:-1]))
        if len(blocks) + 1 in supernet.depths:
            found += [replace(arch, blocks=(*blocks, last)) for last in supernet.blocks]
        return found

    def canonical(self, arch: Architecture) -> str:
        """The spelling: every value shows in the network."""
        return self.format(arch)

    def suggest(self, trial: Trial) -> Architecture:
        """A tiny network; `num_heads` and `mlp_ratio` are followed by the number of the block."""
        width = trial.suggest_categorical("hidden_dim", TINY.widths)
        depth = trial.suggest_int("depth", TINY.depths[0], TINY.depths[-1])
        return Architecture(
            width,
            tuple(
                (
                    trial.suggest_categorical(f"num_heads{number}", TINY.heads),
                    trial.suggest_categorical(f"mlp_ratio{number}", TINY.ratios),
                )
                for number in range(depth)
            ),
        )

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """The width, the depth, and what each block has."""
        found: dict[str, Any] = {"hidden_dim": arch.width, "depth": len(arch.blocks)}
        for number, (heads, ratio) in enumerate(arch.blocks):
            found |= {f"num_heads{number}": heads, f"mlp_ratio{number}": ratio}
        return found

    def _build(self, arch: Architecture, task: Task, options: Mapping[str, int]) -> nn.Module:
        patch_size = options["patch_size"]
        _, *size = task.input_size
        if len(size) != 2 or any(length % patch_size for length in size):
            raise InputError(
                f"input_size {task.input_size} does not fall into patches: channels, height and "
                f"width are needed, the last two multiples of patch_size {patch_size}"
            )
        heads, ratios = zip(*arch.blocks, strict=True)
        return Network(
            arch.width,
            heads,
            ratios,
            patch_size=patch_size,
            input_size=task.input_size,
            num_classes=task.num_classes,
        )


AUTOFORMER = _AutoFormer()
SPACES.add(AUTOFORMER.name, AUTOFORMER)


def _read(text: str) -> Architecture:
    """The architecture that `text` spells; InputError says what is wrong in it."""
    found = read_object(text, KEYS)
    width, ratios, depth, heads = (found[key] for key in KEYS)
    if type(depth) is not int or depth < 1:
        raise InputError(f"depth is {_shown(depth)}: a whole number of at least 1 is needed")
    for key, values in (("mlp_ratio", ratios), ("num_heads", heads)):
        if not isinstance(values, list) or len(values) < depth:
            raise InputError(f"{key} must be a list of at least {depth} values, one a block")
    return Architecture(width, tuple(zip(heads[:depth], ratios[:depth], strict=True)))


def _check(name: str, value: Any, choices: tuple[float, ...]) -> None:
    """Refuse a value that is none of `choices`; a whole number may stand for a ratio only."""
    if type(value) not in (int, type(choices[0])) or value not in choices:
        allowed = ", ".join(map(str, choices))
        raise InputError(f"{name} is {_shown(value)}: choose from {allowed}")


def _shown(value: Any) -> str:
    return quoted(json.dumps(value, default=repr))
