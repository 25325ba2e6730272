"""AnyNet: stages of equal blocks, as pycls's configurations describe them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gradalign.errors import InputError
from gradalign.spaces._base import quoted

VANILLA = "vanilla_block"
BASIC = "res_basic_block"
BOTTLENECK = "res_bottleneck_block"
BLOCKS = (VANILLA, BASIC, BOTTLENECK)

LIMITS = {"ds": 200, "ws": 8192, "ss": 4, "bot_muls": 8, "num_gs": 8192}
"""The largest value of each; no published network comes near."""

MAX_STAGES = 8


class Stage(NamedTuple):
    """Blocks of one width.

    Args:
        depth: Number of blocks.
        width: Their channels.
        stride: Stride of the first block.
        bottleneck: Channels of the 3x3 convolution as a multiple of the width.
        groups: Groups of that convolution.
    """

    depth: int
    width: int
    stride: int
    bottleneck: float = 1.0
    groups: int = 1

    @property
    def inner(self) -> int:
        """Channels of the 3x3 convolution."""
        return round(self.width * self.bottleneck)


@dataclass(frozen=True, kw_only=True)
class AnyNet:
    """A network of stages; every sequence has one value a stage.

    Args:
        block_type: One of `BLOCKS`.
        ds: Number of blocks.
        ws: Channels.
        ss: Stride of the first block.
        bot_muls: Bottleneck multipliers; only of `BOTTLENECK`.
        num_gs: Numbers of groups, not their widths; only of `BOTTLENECK`.

    Raises:
        InputError: An unknown block, sequences of different lengths, or a value out of range.
    """

    block_type: str
    ds: tuple[int, ...]
    ws: tuple[int, ...]
    ss: tuple[int, ...]
    bot_muls: tuple[float, ...] = ()
    num_gs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.block_type not in BLOCKS:
            raise InputError(
                f"unknown block_type {quoted(self.block_type)}: choose from {', '.join(BLOCKS)}"
            )
        if not 0 < len(self.ds) <= MAX_STAGES:
            raise InputError(f"ds must give 1 to {MAX_STAGES} stages, found {len(self.ds)}")
        named: dict[str, Sequence[float]] = {"ds": self.ds, "ws": self.ws, "ss": self.ss}
        if self.block_type == BOTTLENECK:
            named |= {"bot_muls": self.bot_muls, "num_gs": self.num_gs}
        elif self.bot_muls or self.num_gs:
            raise InputError(f"{self.block_type} takes neither bot_muls nor num_gs")
        for name, values in named.items():
            if len(values) != len(self.ds):
                raise InputError(f"{name} has {len(values)} values for {len(self.ds)} stages")
            if not all(0 < value <= LIMITS[name] for value in values):
                raise InputError(f"{name} must be above 0, and at most {LIMITS[name]}")
        for stage in self.stages:
            if not stage.inner or stage.inner % stage.groups:
                raise InputError(
                    f"the bottleneck of a stage has {stage.inner} channels, which cannot be "
                    f"{stage.groups} groups"
                )

    @property
    def stages(self) -> list[Stage]:
        """The same by stage."""
        shapes = zip(self.ds, self.ws, self.ss, strict=True)
        if self.block_type != BOTTLENECK:
            return [Stage(*shape) for shape in shapes]
        rest = zip(self.bot_muls, self.num_gs, strict=True)
        return [Stage(*shape, *inner) for shape, inner in zip(shapes, rest, strict=True)]
