"""One row of the table: what one score is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gradalign.evaluation.selection import Selected
from gradalign.proxies._base import Direction

Interval = tuple[float, float]

_INTERVALS = ("kendall_tau_ci", "spearman_rho_ci", "partial_tau_ci")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one score is worth. Higher is better throughout; None where there is no such number.

    Args:
        proxy: Name of the score.
        better: Its direction. A `lower` one is multiplied by -1 first, so that a positive tau
            always means that the score points where it promises to.
        n: Networks scored, with or without success; all statistics are over these.
        kendall_tau: Tau-b with the accuracy, failed networks last and tied (they are not picked).
        kendall_tau_ci: Its 95 % interval over architectures.
        spearman_rho: Spearman's rank correlation.
        spearman_rho_ci: Its interval.
        weighted_tau: Tau in which the networks at the top count most.
        top10_tau: Tau-b among the best tenth by accuracy.
        ndcg10: Discounted cumulative gain of the best tenth by score, at most 1.
        precision5: Share of the best twentieth by score that is in the best twentieth by accuracy.
        partial_tau: Tau-b with the covariates partialled out; None if one of them is not there.
        partial_tau_ci: Its interval.
        selected_accuracy: For each size of draw, mean and standard deviation of the accuracy of the
            best by score, over all draws; None unless there are more networks than that.
        picked: Accuracy of the best by score of all.
        regret: How much that falls short of the best accuracy.
        coverage: Share of all networks compared that have a value.
        failed: Networks scored without success.
        seconds: Mean seconds a network, the passes included, all seeds together.
        seeds: Number of seeds that the score is the mean of; 1 where none is stated.
        tau_sd_over_seeds: Standard deviation of the tau-b of each single seed, over the networks
            scored with that seed.
        cost: What a value costs, in words, for early-stopped training.
    """

    proxy: str
    better: Direction
    n: int
    kendall_tau: float | None
    kendall_tau_ci: Interval | None
    spearman_rho: float | None
    spearman_rho_ci: Interval | None
    weighted_tau: float | None
    top10_tau: float | None
    ndcg10: float | None
    precision5: float | None
    partial_tau: float | None
    partial_tau_ci: Interval | None
    selected_accuracy: Mapping[int, Selected | None]
    picked: float | None
    regret: float | None
    coverage: float
    failed: int
    seconds: float | None
    seeds: int
    tau_sd_over_seeds: float | None
    cost: str | None

    def to_dict(self) -> dict[str, object]:
        """The row as it stands in a JSON document."""
        return {
            **vars(self),
            **{name: as_list(getattr(self, name)) for name in _INTERVALS},
            "selected_accuracy": draws_to_dict(self.selected_accuracy),
        }

    def flat(self) -> dict[str, object]:
        """The row with one plain value a column, NaN where there is none."""
        values: dict[str, object] = {}
        for key, value in vars(self).items():
            if key in _INTERVALS:
                low, high = value or (np.nan, np.nan)
                values |= {key.replace("_ci", "_low"): low, key.replace("_ci", "_high"): high}
            elif key == "selected_accuracy":
                for draw, selected in self.selected_accuracy.items():
                    mean, sd = selected or (np.nan, np.nan)
                    values |= {f"selected_{draw}_mean": mean, f"selected_{draw}_sd": sd}
            else:
                values[key] = value
        return values


def draws_to_dict(selected: Mapping[int, Selected | None]) -> dict[str, list[float] | None]:
    """For each size of draw, mean and standard deviation, as JSON has it."""
    return {str(draw): as_list(pair) for draw, pair in selected.items()}


def as_list(pair: tuple[float, float] | None) -> list[float] | None:
    """A pair as JSON has it."""
    return None if pair is None else list(pair)
