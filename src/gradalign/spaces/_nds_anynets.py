"""Networks of plain stages as NDS samples them."""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradalign.errors import InputError
from gradalign.spaces._anynet import AnyNet
from gradalign.spaces._base import Trial


@dataclass(frozen=True, kw_only=True)
class AnyNetFamily:
    """Three stages, each with its own values.

    Args:
        name: Its published name.
        block_type: The block of all stages.
        depths: Numbers of blocks.
        widths: Numbers of channels.
        bot_muls: Bottleneck multipliers.
        groups: Numbers of groups.
    """

    name: str
    block_type: str
    depths: tuple[int, ...]
    widths: tuple[int, ...]
    bot_muls: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()

    @property
    def values(self) -> dict[str, tuple[float, ...]]:
        """What a stage chooses from, by the name of the choice."""
        named = {
            "ds": self.depths,
            "ws": self.widths,
            "bot_muls": self.bot_muls,
            "num_gs": self.groups,
        }
        return {name: values for name, values in named.items() if values}

    @property
    def size(self) -> int:
        """The product of all choices."""
        return math.prod(map(len, self.values.values())) ** 3

    def kin(self, net: object) -> bool:
        """Any network of its block."""
        return isinstance(net, AnyNet) and net.block_type == self.block_type

    def sample(self, rng: random.Random) -> AnyNet:
        """Every value independently."""
        return self._net(
            [[rng.choice(values) for _ in range(3)] for values in self.values.values()]
        )

    def enumerate(self) -> Iterator[AnyNet]:
        """The last stage's value varies fastest, and of the values the last one."""
        each = [list(itertools.product(values, repeat=3)) for values in self.values.values()]
        return map(self._net, itertools.product(*each))

    def neighbours(self, net: object) -> Iterator[AnyNet]:
        """Another value of one stage, where the groups still divide the channels."""
        if not isinstance(net, AnyNet):
            return
        for name, values in self.values.items():
            given: tuple[float, ...] = getattr(net, name)
            for stage, value in itertools.product(range(len(given)), values):
                if value == given[stage]:
                    continue
                changed = (*given[:stage], value, *given[stage + 1 :])
                try:
                    yield replace(net, **{name: changed})  # type: ignore[arg-type]
                except InputError:  # outside the family only
                    continue

    def suggest(self, trial: Trial) -> AnyNet:
        """Named after the choice and the stage: `ResNet.ds.1`."""
        return self._net(
            [
                [trial.suggest_categorical(each, values) for each in self._names(name)]
                for name, values in self.values.items()
            ]
        )

    def decisions(self, net: object) -> dict[str, Any]:
        """Every value of every stage."""
        return {
            each: value
            for name in self.values
            for each, value in zip(self._names(name), getattr(net, name), strict=False)
        }

    def _names(self, name: str) -> list[str]:
        """How a value is called where it is suggested, by stage."""
        return [f"{self.name}.{name}.{stage}" for stage in (1, 2, 3)]

    def _net(self, values: Sequence[Sequence[float]]) -> AnyNet:
        chosen = {name: tuple(each) for name, each in zip(self.values, values, strict=True)}
        return AnyNet(block_type=self.block_type, ss=(1, 2, 2), **chosen)  # type: ignore[arg-type]
