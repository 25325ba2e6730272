"""The design spaces of NDS: which values each family's networks are drawn from."""

import random
from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

from gradalign.spaces._anynet import BASIC, BOTTLENECK, VANILLA, AnyNet
from gradalign.spaces._base import Trial
from gradalign.spaces._darts_operations import OPERATIONS
from gradalign.spaces._nds_anynets import AnyNetFamily
from gradalign.spaces._nds_cells import CellFamily, CellNet

Net: TypeAlias = CellNet | AnyNet


class Family(Protocol):
    """A set of networks that are drawn uniformly."""

    @property
    def name(self) -> str:
        """Its published name."""

    @property
    def size(self) -> int:
        """Number of its networks."""

    def kin(self, net: Net, /) -> bool:
        """Whether `net` is of its kind, if not of its values."""

    def sample(self, rng: random.Random) -> Net:
        """A network drawn uniformly."""

    def enumerate(self) -> Iterator[Net]:
        """All of its networks."""

    def neighbours(self, net: Net, /) -> Iterator[Net]:
        """What one change to a value of this family makes of a network of its kind."""

    def suggest(self, trial: Trial) -> Net:
        """A network from suggestions."""

    def decisions(self, net: Net, /) -> dict[str, Any]:
        """The suggestions that make a network of the family."""


NASNET = (
    "skip_connect",
    "conv_3x1_1x3",
    "conv_7x1_1x7",
    "dil_conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "conv_1x1",
    "conv_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
)
AMOEBA = (
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "avg_pool_3x3",
    "max_pool_3x3",
    "dil_sep_conv_3x3",
    "conv_7x1_1x7",
)
PNAS = (
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "conv_7x1_1x7",
    "skip_connect",
    "avg_pool_3x3",
    "max_pool_3x3",
    "dil_conv_3x3",
)
ENAS = ("skip_connect", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
DARTS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
SMALL_DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
SMALL_WIDTHS = (16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256)

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        CellFamily(name="NASNet", operations=NASNET, loose_ends=True),
        CellFamily(name="Amoeba", operations=AMOEBA, loose_ends=True),
        CellFamily(name="PNAS", operations=PNAS),
        CellFamily(name="ENAS", operations=ENAS, loose_ends=True),
        CellFamily(name="DARTS", operations=DARTS, nodes=4),
        AnyNetFamily(name="Vanilla", block_type=VANILLA, depths=SMALL_DEPTHS, widths=SMALL_WIDTHS),
        AnyNetFamily(name="ResNet", block_type=BASIC, depths=SMALL_DEPTHS, widths=SMALL_WIDTHS),
        AnyNetFamily(
            name="ResNeXt-A",
            block_type=BOTTLENECK,
            depths=(1, 2, 4, 8, 16),
            widths=(16, 32, 64, 128, 256),
            bot_muls=(0.25, 0.5, 1.0),
            groups=(1, 2, 4),
        ),
        AnyNetFamily(
            name="ResNeXt-B",
            block_type=BOTTLENECK,
            depths=(1, 2, 4, 8, 16),
            widths=(64, 128, 256, 512, 1024),
            bot_muls=(0.25, 0.5, 1.0),
            groups=(1, 2, 4, 8, 16),
        ),
    )
}


def family_of(space: str | None, net: Net) -> Family:
    """The family of that name; None: one whose values suit the network's kind."""
    if space is not None:
        return FAMILIES[space]
    if isinstance(net, CellNet):
        cells = (net.genotype.normal, net.genotype.reduce)
        every = all(len(cell.concat) == len(cell.pairs) for cell in cells)
        return CellFamily(name="", operations=tuple(OPERATIONS), loose_ends=not every)
    return next(family for family in reversed(FAMILIES.values()) if family.kin(net))
