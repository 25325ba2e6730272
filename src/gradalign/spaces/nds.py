"""NDS: nine families of networks, of searched cells and of plain stages."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces import _anynet_network, _darts_network, _nds_spelling
from gradalign.spaces._base import SPACES, Space, Task, Trial, quoted, reject, tasks
from gradalign.spaces._nds_cells import CellNet
from gradalign.spaces._nds_families import FAMILIES, Net, family_of

EXAMPLE = (
    '{"space": "ResNeXt-A", "block_type": "res_bottleneck_block", "ds": [1, 4, 2], '
    '"ws": [32, 64, 256], "ss": [1, 2, 2], "bot_muls": [1.0, 0.5, 0.25], "num_gs": [1, 2, 4]}'
)


@dataclass(frozen=True)
class Architecture:
    """A network, and the family that it is to stay in.

    Args:
        net: The network.
        space: Name of the family, which changes nothing in the network but decides what its
            neighbours are; None: not said.

    Raises:
        InputError: An unknown family, or one of other networks.
    """

    net: Net
    space: str | None = None

    def __post_init__(self) -> None:
        if self.space is None:
            return
        if self.space not in FAMILIES:
            raise InputError(
                f"unknown nds family {quoted(self.space)}: choose from {', '.join(FAMILIES)}"
            )
        if not FAMILIES[self.space].kin(self.net):
            raise InputError(f"no network of the nds family {self.space!r} is of this kind")

    def __str__(self) -> str:
        return NDS.format(self)


class _NDS(Space[Architecture]):
    """The design spaces NASNet, Amoeba, PNAS, ENAS, DARTS, Vanilla, ResNet, ResNeXt-A, ResNeXt-B.

    Spelled as the published `net`, with a key `space` for the family. Networks outside of every
    family can be built too. The auxiliary head and drop path of the published training are left
    out. The published samples are limited in parameters and FLOPs; `sample` is not.

    The networks are those of pycls: cells as in DARTS's code, weights initialised by PyTorch's
    default; plain stages initialised as pycls does.
    """

    name = "nds"
    size = sum(family.size for family in FAMILIES.values())
    tasks = tasks(
        Task(name="cifar10", input_size=(3, 32, 32), num_classes=10),
        Task(name="imagenet", input_size=(3, 224, 224), num_classes=1000),
    )
    options: Mapping[str, int] = {}
    example = EXAMPLE
    description = "nine families of networks, of cells or of plain stages, of any width and depth"
    source = (
        "Radosavovic et al., On Network Design Spaces for Visual Recognition, ICCV 2019 "
        "(arXiv 1905.13214); code facebookresearch/nds and facebookresearch/pycls"
    )
    licence = "MIT"

    def parse(self, text: str) -> Architecture:
        """The network, spelled as JSON with the published keys and, at will, `space`.

        Cells: `genotype` of `normal`, `normal_concat`, `reduce` and `reduce_concat`, `width`,
        `depth`; `aux` and `drop_prob` are read and dropped. Stages: `block_type`, `ds`, `ws`, `ss`,
        `bot_muls` (or `bms`), `num_gs` (numbers of groups) or `gws` (their widths);
        `double_plain_block` is read as `vanilla_block`.

        Example:
            >>> NDS.parse(EXAMPLE).net.ds
            (1, 4, 2)
        """
        try:
            values = _nds_spelling.read(text)
            space = values.pop("space", None)
            if space is not None and not isinstance(space, str):
                raise InputError("space must be the name of a family")
            return Architecture(_nds_spelling.net(values), space)
        except InputError as fault:
            raise reject("nds", text, str(fault), EXAMPLE) from None

    def format(self, arch: Architecture) -> str:
        """JSON with the published keys, the family first if there is one."""
        named: dict[str, Any] = {} if arch.space is None else {"space": arch.space}
        return json.dumps(named | _nds_spelling.values(arch.net))

    def sample(self, rng: random.Random) -> Architecture:
        """A family drawn uniformly, then one of its networks drawn uniformly."""
        family = FAMILIES[rng.choice(list(FAMILIES))]
        return Architecture(family.sample(rng), family.name)

    def enumerate(self) -> Iterator[Architecture]:
        """Family by family, the smaller ones first; those of cells have no practical end."""
        for family in sorted(FAMILIES.values(), key=lambda family: family.size):
            for net in family.enumerate():
                yield Architecture(net, family.name)

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """Another value of the family for one operation, source, width, depth, and so on.

        Where no family is said: any operation for cells, the values of the largest family with the
        same block for stages. A cell's output follows from its edges as the family has it.
        """
        family = family_of(arch.space, arch.net)
        return [Architecture(net, arch.space) for net in family.neighbours(arch.net)]

    def canonical(self, arch: Architecture) -> str:
        """The network without its family; cells with their nodes in a fixed order."""
        net = arch.net
        if isinstance(net, CellNet):
            return f"{net.genotype.canonical()} / width {net.width}, depth {net.depth}"
        return json.dumps(_nds_spelling.values(net))

    def suggest(self, trial: Trial) -> Architecture:
        """The family, named `space`, then what its networks are made of, named after both."""
        family = FAMILIES[trial.suggest_categorical("space", list(FAMILIES))]
        return Architecture(family.suggest(trial), family.name)

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """The family, and what its network is made of; without a family there are none."""
        if arch.space is None:
            return {}
        return {"space": arch.space, **FAMILIES[arch.space].decisions(arch.net)}

    def _build(self, arch: Architecture, task: Task, options: Mapping[str, int]) -> nn.Module:  # noqa: ARG002
        imagenet, net = task.name == "imagenet", arch.net
        if isinstance(net, CellNet):
            return _darts_network.Network(
                net.genotype,
                imagenet=imagenet,
                channels=net.width,
                layers=net.depth,
                num_classes=task.num_classes,
            )
        return _anynet_network.Network(net, imagenet=imagenet, num_classes=task.num_classes)


NDS = _NDS()
SPACES.add(NDS.name, NDS)
