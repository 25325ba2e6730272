"""How well the best possible score could do: trainings of one network differ by chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gradalign.evaluation.rank_statistics import kendall_tau

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class NoiseCeiling:
    """What Kendall's tau-b a score could reach that knew how good every network really is.

    Args:
        trainings: Number of single trainings, k.
        between: Mean tau-b over pairs of trainings: how well one training predicts another.
        of_mean: Tau that a perfect score would have with the mean of the k trainings.
    """

    trainings: int
    between: float
    of_mean: float

    def to_dict(self) -> dict[str, object]:
        """The fields."""
        return asdict(self)


def noise_ceiling(runs: Values) -> NoiseCeiling | None:
    """The ceiling that single trainings of the same networks imply.

    It takes quality and chance as normal, independent of each other, and chance as large for every
    network. Then tau between two trainings is 2/pi arcsin r (Greiner) with r the share of quality
    in the variance of one training; in the mean of k trainings that share is k r / (1 + (k - 1) r)
    (Spearman and Brown); quality itself correlates with that mean by the root of it.

    Args:
        runs: [trainings, n], NaN where a network was not trained.

    Returns:
        None for fewer than two trainings, or where their order is not defined.
    """
    taus = [kendall_tau(a, b) for a, b in combinations(runs, 2)]
    defined = [tau for tau in taus if tau is not None]
    if not defined:
        return None
    between = float(np.mean(defined))
    r = max(np.sin(np.pi / 2 * between), 0.0)  # no agreement beyond chance: nothing to predict
    k = len(runs)
    of_mean = float(2 / np.pi * np.arcsin(np.sqrt(k * r / (1 + (k - 1) * r))))
    return NoiseCeiling(trainings=k, between=between, of_mean=of_mean)
