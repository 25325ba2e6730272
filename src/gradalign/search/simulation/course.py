"""How simulated searches went: the best accuracy found for what had been spent, over many runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Column = NDArray[np.float64]


@dataclass
class Course:
    """One search, by its trainings.

    Args:
        spent: What had been spent in all after each training that found a better network.
        best: The accuracy of that network, in percent.
        number: Which training it was, counted from 1.
        trainings: Networks trained.
        cost: What had been spent after the last.
    """

    spent: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    number: list[int] = field(default_factory=list)
    trainings: int = 0
    cost: float = 0.0

    def add(self, spent: float, accuracy: float) -> None:
        """One more training."""
        self.trainings += 1
        self.cost = spent
        if not self.best or accuracy > self.best[-1]:
            self.spent.append(spent)
            self.best.append(accuracy)
            self.number.append(self.trainings)

    def in_trainings(self) -> Course:
        """The same search, each training counted as 1, and nothing else."""
        return replace(self, spent=[float(k) for k in self.number], cost=float(self.trainings))

    def at(self, costs: Column) -> Column:
        """The best accuracy found for each of the costs; NaN before the first training."""
        steps = np.searchsorted(self.spent, costs, side="right") - 1  # [costs]
        found: Column = np.where(steps < 0, np.nan, np.asarray(self.best)[np.maximum(steps, 0)])
        return found


def mean_curve(courses: Sequence[Course], costs: Column) -> tuple[Column, Column]:
    """Mean over runs of the best accuracy found, and half the width of its 95 % interval.

    Args:
        courses: The runs.
        costs: Where, ascending.

    Returns:
        Two of the shape of `costs`; NaN where some run has trained nothing yet. The interval is
        Student's, over runs.
    """
    found = np.stack([course.at(costs) for course in courses])  # [runs, costs]
    n = len(courses)
    if n < 2:
        return found.mean(0), np.full(len(costs), np.nan)
    half = student.ppf(0.975, n - 1) * found.std(0, ddof=1) / np.sqrt(n)
    return found.mean(0), half


def cost_ratio(
    plain: Sequence[Course],
    assisted: Sequence[Course],
    costs: Column,
    *,
    resamples: int = 1_000,
    seed: int = 0,
) -> tuple[float, tuple[float, float]]:
    """The share of its cost at which the assisted runs reach what the plain ones end with.

    Args:
        plain: Runs whose mean accuracy at the last of `costs` is to be reached.
        assisted: The other runs, at least as good in the mean from that cost on.
        costs: A fine grid, ascending; its last value is the whole cost.
        resamples: Of the bootstrap, which draws runs of both.
        seed: Of the bootstrap.

    Returns:
        The ratio of the costs, and its 95 % interval; infinite where it is never reached. It cannot
        be less than what lets every assisted run train one network.
    """
    ends = np.array([course.at(costs[-1:])[0] for course in plain])  # [runs]
    found = np.stack([course.at(costs) for course in assisted])  # [runs, costs]

    def ratio(target: float, curve: Column) -> float:
        reached = np.flatnonzero(curve >= target)  # NaN is not
        return float(costs[reached[0]] / costs[-1]) if len(reached) else float("inf")

    rng = np.random.default_rng(seed)
    drawn = [
        ratio(
            float(ends[rng.integers(len(ends), size=len(ends))].mean()),
            found[rng.integers(len(found), size=len(found))].mean(0),
        )
        for _ in range(resamples)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975), method="inverted_cdf")
    return ratio(float(ends.mean()), found.mean(0)), (float(low), float(high))
