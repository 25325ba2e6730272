"""The difference between two scores, on the same networks and the same resamples of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from gradalign.evaluation.pool import make_pool
from gradalign.evaluation.rank_statistics import kendall_tau
from gradalign.evaluation.resampling import Resamples, interval
from gradalign.evaluation.truth import Truth
from gradalign.proxies._base import Direction


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Tau of one score less that of another, over the networks for which both were tried.

    Args:
        proxy_a: First score.
        proxy_b: Second score.
        metric: Accuracy that both are compared with.
        n: Number of networks.
        difference: tau_a - tau_b, each with its direction; None if one is not defined.
        difference_ci: Its 95 % percentile interval over common resamples of the networks.
    """

    proxy_a: str
    proxy_b: str
    metric: str
    n: int
    difference: float | None
    difference_ci: tuple[float, float] | None

    def to_dict(self) -> dict[str, object]:
        """The fields, the interval as a list."""
        ci = self.difference_ci
        return {**vars(self), "difference_ci": None if ci is None else list(ci)}


def paired_difference(
    scores: pd.DataFrame,
    truth: pd.DataFrame | Truth,
    metric: str,
    proxy_a: str,
    proxy_b: str,
    *,
    directions: Mapping[str, Direction] | None = None,
    early_stopped: Mapping[str, tuple[str, str]] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """How much better one score orders the networks than another, with its uncertainty.

    Args:
        scores: As for `evaluate`.
        truth: A table of accuracies.
        metric: Its column.
        proxy_a: The score whose tau counts positive; a proxy or a name of `early_stopped`.
        proxy_b: The score whose tau is subtracted.
        directions: Which direction is better for a proxy.
        early_stopped: Columns of the table to take as scores.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Raises:
        InputError: If a proxy is not in the scores; else as for `evaluate`.
    """
    pool = make_pool(scores, truth, metric, directions=directions, early_stopped=early_stopped)
    a, b = pool.column(proxy_a), pool.column(proxy_b)
    both = a.recorded & b.recorded
    accuracy = pool.accuracy[both]
    rankings = [column.ranking[both] for column in (a, b)]
    taus = [kendall_tau(ranking, accuracy) for ranking in rankings]
    difference: float | None = None
    difference_ci: tuple[float, float] | None = None
    if taus[0] is not None and taus[1] is not None:
        draws = Resamples(len(accuracy), resamples, seed)
        resampled = [draws.kendall_tau(ranking, accuracy) for ranking in rankings]
        difference = taus[0] - taus[1]
        difference_ci = interval(resampled[0] - resampled[1])
    return PairedDifference(
        proxy_a=proxy_a,
        proxy_b=proxy_b,
        metric=metric,
        n=len(accuracy),
        difference=difference,
        difference_ci=difference_ci,
    )
