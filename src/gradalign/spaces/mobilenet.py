"""Mobile networks of the kind that MnasNet searches, as Accel-NASBench has them."""

import itertools
import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._base import SPACES, Space, Task, Trial, exchanged, quoted, reject, tasks
from gradalign.spaces._flops import Convention, count_flops
from gradalign.spaces._json import read_object
from gradalign.spaces._mobilenet_network import WIDTHS, Network

EXAMPLE = (
    '{"e": [1, 6, 6, 6, 6, 6, 6], "k": [3, 3, 5, 3, 5, 5, 3], "l": [1, 2, 2, 3, 3, 4, 1], '
    '"se": [true, true, true, true, true, true, true]}'
)

STAGES = len(WIDTHS)

CHOICES: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "e": ((1, 4, 6),) * STAGES,
    "k": ((3, 5),) * STAGES,
    "l": (*((1, 2, 3),) * 5, (1, 2, 3, 4), (1, 2, 3)),
    "se": ((False, True),) * STAGES,
}
"""What each stage may have, by the keys of the spelling."""

DECISIONS = {
    f"{key}{stage}": choices
    for key, allowed in CHOICES.items()
    for stage, choices in enumerate(allowed)
}
"""What each decision may be, by what it is called where it is suggested: `e0` to `se6`."""

FLAT = tuple(DECISIONS.values())

CONVENTION = Convention(norm=4, pool=1, adaptive_output=1)


@dataclass(frozen=True)
class Architecture:
    """Four decisions for each of the seven stages.

    Args:
        expansion: Factor by which the blocks widen their input.
        kernel_size: Of the depthwise convolutions.
        layers: Number of blocks.
        squeeze_excitation: Whether the blocks gate their channels.

    Raises:
        InputError: Not seven values, or one that the space does not have.
    """

    expansion: tuple[int, ...]
    kernel_size: tuple[int, ...]
    layers: tuple[int, ...]
    squeeze_excitation: tuple[bool, ...]

    def __post_init__(self) -> None:
        for (key, allowed), found in zip(CHOICES.items(), astuple(self), strict=True):
            if len(found) != STAGES:
                raise InputError(f"{key!r} needs a value for {STAGES} stages, found {len(found)}")
            for stage, (choices, value) in enumerate(zip(allowed, found, strict=True)):
                # by type too: 1 and true are equal, but spelled and used in different places
                if type(value) is not type(choices[0]) or value not in choices:
                    raise InputError(
                        f"{key!r} of stage {stage} is {quoted(json.dumps(value, default=repr))}: "
                        f"choose from {', '.join(map(json.dumps, choices))}"
                    )

    def __str__(self) -> str:
        return MOBILENET.format(self)


class _Mobilenet(Space[Architecture]):
    """Accel-NASBench; its accuracies are of networks with ReLU, as these are."""

    name = "mobilenet"
    size = math.prod(map(len, FLAT))
    tasks = tasks(Task(name="imagenet", input_size=(3, 224, 224), num_classes=1000))
    options: Mapping[str, int] = {}
    example = EXAMPLE
    flops_convention = (
        "multiply-adds, 4 for each normalised element, 1 for each value that a pooling reads or "
        "gives; no biases, activations, gates or residual sums"
    )
    description = "expansion, kernel, blocks and squeeze-excitation of seven MBConv stages"
    source = (
        "Ahmad et al., Accel-NASBench, DAC 2024 (arXiv 2404.08005); code afzalxo/Accel-NASBench, "
        "networks afzalxo/ANB-DatasetCollection"
    )
    licence = "Apache-2.0"

    def parse(self, text: str) -> Architecture:
        """The network spelled as a JSON object of four lists, one value a stage.

        Example:
            >>> MOBILENET.parse(EXAMPLE).layers
            (1, 2, 2, 3, 3, 4, 1)
        """
        try:
            return Architecture(*map(tuple, _lists(text)))
        except InputError as fault:
            raise reject(self.name, text, str(fault), EXAMPLE) from None

    def format(self, arch: Architecture) -> str:
        """The published keys, in their order, in one line."""
        return json.dumps(dict(zip(CHOICES, astuple(arch), strict=True)))

    def sample(self, rng: random.Random) -> Architecture:
        """A network whose decisions are drawn independently."""
        return _unflatten(rng.choice(choices) for choices in FLAT)

    def enumerate(self) -> Iterator[Architecture]:
        """Every network, the last decision varying fastest."""
        return map(_unflatten, itertools.product(*FLAT))

    def neighbours(self, arch: Architecture) -> list[Architecture]:
        """The 43 networks with one decision changed."""
        return [_unflatten(changed) for changed in exchanged(_flatten(arch), FLAT)]

    def canonical(self, arch: Architecture) -> str:
        """The spelling: every decision shows in the network."""
        return self.format(arch)

    def suggest(self, trial: Trial) -> Architecture:
        """One decision for each stage, named after its key and stage: `e0` to `se6`."""
        return _unflatten(
            trial.suggest_categorical(name, choices) for name, choices in DECISIONS.items()
        )

    def _decisions(self, arch: Architecture) -> dict[str, Any]:
        """All 28."""
        return dict(zip(DECISIONS, _flatten(arch), strict=True))

    def published_flops(self, arch: Architecture | str, task: str | None = None) -> float:
        """As the published table counts them; its text is in `flops_convention`."""
        return count_flops(lambda: self.build(arch, task=task), self.task(task), CONVENTION)

    def _build(
        self,
        arch: Architecture,
        task: Task,
        options: Mapping[str, int],  # noqa: ARG002
    ) -> nn.Module:
        return Network(*astuple(arch), num_classes=task.num_classes)


MOBILENET = _Mobilenet()
SPACES.add(MOBILENET.name, MOBILENET)


def _lists(text: str) -> list[list[Any]]:
    """The four lists that `text` spells, in the order of `CHOICES`."""
    found = read_object(text, CHOICES)
    for key, values in found.items():
        if not isinstance(values, list):
            raise InputError(f"{key!r} must be a list, one value for each of the {STAGES} stages")
    return [found[key] for key in CHOICES]


def _flatten(arch: Architecture) -> tuple[Any, ...]:
    """The 28 decisions of an architecture, in the order of `FLAT`."""
    return tuple(itertools.chain(*astuple(arch)))


def _unflatten(decisions: Iterable[Any]) -> Architecture:
    """The architecture of its 28 decisions, in the order of `FLAT`."""
    flat = tuple(decisions)
    return Architecture(*(flat[start : start + STAGES] for start in range(0, len(flat), STAGES)))
