"""What a sampler is: how it is called, and how it is made for one search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradalign._registry import Registry
from gradalign.search.moves import Moves

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

Values = Callable[[Sequence["FrozenTrial"]], Sequence[Sequence[float]]]
"""From the scored trials of a study to their present values, one for each of its directions."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a sampler is made for.

    Args:
        seed: With it, the number of a trial and the finished trials before it, a proposal is always
            the same one: a study that was interrupted goes on as if it had not been.
        moves: The neighbourhood of an architecture.
        values: The values of scored trials at present, where they move while the pool grows, as
            those of a rank aggregate do; None: those that were told.
    """

    seed: int
    moves: Moves
    values: Values | None = None


@dataclass(frozen=True, kw_only=True)
class SamplerKind:
    """A sampler by its name.

    Of the trials in a study, the complete ones are scored, the pruned ones were infeasible and the
    failed ones broke; those that are running count as not there.

    Args:
        name: How it is asked for.
        summary: What it does, in a line.
        source: Where it comes from.
        make: From a setting to Optuna's sampler; InputError where it cannot work in that setting.
        several: Whether it can seek several objectives at once.
    """

    name: str
    summary: str
    source: str
    make: Callable[[Setting], BaseSampler]
    several: bool


SAMPLERS: Registry[SamplerKind] = Registry("sampler", "gradalign.search.samplers", plugins=True)
