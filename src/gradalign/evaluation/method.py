"""Which way the uncertainty over architectures is found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gradalign.evaluation.bootstrap import Bootstrap
from gradalign.evaluation.jackknife import Jackknife

IntervalMethod = Literal["bootstrap", "jackknife"]

BOOTSTRAP_WORK = 2.5e10
"""Up to so many rows x networks^2 x resamples the bootstrap is taken: some seconds on one core."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """The method of one evaluation.

    Args:
        name: Its name; None: no intervals.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.
    """

    name: IntervalMethod | None
    resamples: int
    seed: int

    def over(self, n: int) -> Bootstrap | Jackknife:
        """The method for n networks, the same draws for the same n."""
        if self.name is None or n == 0:
            return Bootstrap(n, 0)
        return Jackknife(n) if self.name == "jackknife" else Bootstrap(n, self.resamples, self.seed)


def choose_method(blocks: Iterable[tuple[int, int]], resamples: int, seed: int) -> Method:
    """The bootstrap where it is affordable, else the infinitesimal jackknife.

    Args:
        blocks: What is to be resampled: number of rows, number of their networks.
        resamples: Number of bootstrap resamples; 0: no intervals.
        seed: Seed of the resamples.
    """
    work = resamples * sum(rows * n**2 for rows, n in blocks)
    name: IntervalMethod = "bootstrap" if work <= BOOTSTRAP_WORK else "jackknife"
    return Method(name=name if resamples > 0 else None, resamples=resamples, seed=seed)
