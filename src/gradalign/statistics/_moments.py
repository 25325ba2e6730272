"""Sums over weights that proxies declare, and what they are sums of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from gradalign.errors import MissingStatisticError
from gradalign.statistics._fields import FIELDS, GRADIENT


@dataclass(frozen=True)
class Moments:
    """Sums over the n samples of functions of each weight's gradient; only those asked for are set.

    Every tensor has one entry a weight, in the same order, any shape.
    """

    n: int
    sum: Tensor = None  # type: ignore[assignment]  # reading it unset raises, below
    abs_sum: Tensor = None  # type: ignore[assignment]
    square_sum: Tensor = None  # type: ignore[assignment]
    sign_sum: Tensor = None  # type: ignore[assignment]
    weight: Tensor = None  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if value is None and not name.startswith("_"):
            raise MissingStatisticError(f"the moment {name!r} was not declared")
        return value

    @cached_property
    def mean(self) -> Tensor:
        """Mean gradient of each weight."""
        return self.sum / self.n

    @cached_property
    def variance(self) -> Tensor:
        """Population variance of each weight's gradient; exactly 0 where it is rounding noise."""
        second = self.square_sum / self.n
        variance = second - self.mean.square()
        noise = 8 * torch.finfo(variance.dtype).eps * second
        return torch.where(variance <= noise, 0.0, variance)  # NaN stays NaN


MomentName = Literal["sum", "abs_sum", "square_sum", "sign_sum", "weight"]


@dataclass(frozen=True)
class WeightStatistic:
    """A number a block that is a sum over its weights: declared by the proxy that needs it.

    Args:
        name: Name under which `Statistics.weight_sums` holds it.
        moments: Which moments `term` reads.
        term: One number a weight from the moments, same shape.
    """

    name: str
    moments: tuple[MomentName, ...]
    term: Callable[[Moments], Tensor] = field(compare=False)


Need = str | WeightStatistic


def is_gradient(need: Need) -> bool:
    """Whether a need says nothing about a network without gradient."""
    return isinstance(need, WeightStatistic) or FIELDS[need][1] == GRADIENT
