"""Differences between scores, on the same networks and the same resamples of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from gradalign.evaluation.correlations import Tau, Taus
from gradalign.evaluation.method import Method, choose_method
from gradalign.evaluation.pool import Pool, Sample, make_pool
from gradalign.evaluation.truth import Truth
from gradalign.proxies._base import Direction

ALL_PAIRS = 100
"""Up to so many rows every pair is compared (4,950 pairs), above only each row with the best."""

_NONE = 1e-12  # differences that are rounding


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Tau of one score less that of another, over the networks for which both were tried.

    Args:
        proxy_a: First score.
        proxy_b: Second score.
        metric: Accuracy that both are compared with.
        n: Number of networks.
        difference: tau_a - tau_b, each with its direction; None if one is not defined.
        difference_ci: Its 95 % interval, both scores on common resamples of the networks.
        p: Two-sided p of no difference, by the normal approximation with the standard error that
            the resamples or influence values give. (A share of resamples could not fall below
            2 / resamples, which no correction for many pairs lets stand.) None without a
            standard error.
        p_holm: The same with Holm's correction for all pairs of the table; None for a single pair.
    """

    proxy_a: str
    proxy_b: str
    metric: str
    n: int
    difference: float | None
    difference_ci: tuple[float, float] | None
    p: float | None
    p_holm: float | None

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
        resamples: Number of bootstrap resamples; 0 for no interval.
        seed: Seed of the resamples.

    Raises:
        InputError: If a proxy is not in the scores; else as for `evaluate`.
    """
    pool = make_pool(scores, truth, metric, directions=directions, early_stopped=early_stopped)
    sample = _common(pool, proxy_a, proxy_b)
    method = choose_method([(2, int(sample.tried.sum()))], resamples, seed)
    return _difference(pool, sample, method, Taus(pool, method).of(sample), (proxy_a, proxy_b))


def all_differences(
    pool: Pool, names: Sequence[str], method: Method, taus: Taus
) -> tuple[PairedDifference, ...]:
    """The differences of all pairs of scores, each less those after it.

    Args:
        pool: The networks.
        names: Scores, best first; of more than `ALL_PAIRS` only the first less each other one.
        method: How the uncertainty is found.
        taus: Of the pool.
    """
    pairs = list(combinations(names, 2))
    if len(names) > ALL_PAIRS:
        pairs = [(names[0], other) for other in names[1:]]
    found = {(d.proxy_a, d.proxy_b): d for d in _differences(pool, pairs, method, taus)}
    return with_holm([found[pair] for pair in pairs])


def with_holm(differences: Sequence[PairedDifference]) -> tuple[PairedDifference, ...]:
    """The same with `p_holm`, those without a p left out of the correction."""
    corrected = holm([each.p for each in differences])
    return tuple(replace(d, p_holm=p) for d, p in zip(differences, corrected, strict=True))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction for as many tests as there are values; None stays None.

    The smallest of m values is multiplied by m, the next by m - 1 and so on; none may be smaller
    than the one before it, or greater than 1.
    """
    tested = sorted((p, k) for k, p in enumerate(values) if p is not None)
    result: list[float | None] = [None] * len(values)
    corrected = 0.0
    for place, (p, k) in enumerate(tested):
        corrected = min(1.0, max(corrected, p * (len(tested) - place)))
        result[k] = corrected
    return result


def resampled_blocks(samples: Sequence[Sample]) -> Iterator[tuple[int, int]]:
    """Numbers of rows and networks that a table of `samples` with all differences resamples."""
    for sample in samples:
        yield len(sample.names), int(sample.tried.sum())
    if sum(len(sample.names) for sample in samples) <= ALL_PAIRS:
        for a, b in combinations(samples, 2):
            yield len(a.names) + len(b.names), int((a.tried & b.tried).sum())


def _common(pool: Pool, *names: str) -> Sample:
    """Scores on the networks that all of them were tried on."""
    tried = np.logical_and.reduce([pool.column(name).recorded for name in names])
    return Sample(names=tuple(dict.fromkeys(names)), tried=tried)


def _differences(
    pool: Pool, pairs: Sequence[tuple[str, str]], method: Method, taus: Taus
) -> Iterator[PairedDifference]:
    """The differences of `pairs`, those of the same networks together."""
    own = {name: k for k, sample in enumerate(pool.samples()) for name in sample.names}
    blocks: dict[frozenset[int], list[tuple[str, str]]] = {}
    for pair in pairs:
        blocks.setdefault(frozenset(own[name] for name in pair), []).append(pair)
    for block in blocks.values():
        sample = _common(pool, *(name for pair in block for name in pair))
        found = taus.of(sample)
        for pair in block:
            yield _difference(pool, sample, method, found, pair)


def _difference(
    pool: Pool, sample: Sample, method: Method, taus: Mapping[str, Tau], pair: tuple[str, str]
) -> PairedDifference:
    """The difference of a pair of scores over the networks of `sample`."""
    a, b = (taus[name] for name in pair)
    n = int(sample.tried.sum())
    difference = ci = p = None
    if a.value is not None and b.value is not None:
        over = method.over(n)
        difference, replicates = a.value - b.value, a.replicates - b.replicates
        ci = over.difference_interval(difference, replicates)
        p = two_sided(difference, over.stderr(replicates))
    return PairedDifference(
        proxy_a=pair[0],
        proxy_b=pair[1],
        metric=pool.metric,
        n=n,
        difference=difference,
        difference_ci=ci,
        p=p,
        p_holm=None,
    )


def two_sided(difference: float, stderr: float) -> float | None:
    """Two-sided p of no difference: 1 for none at all, even where that has no error."""
    if np.isnan(stderr):
        return None
    if abs(difference) < _NONE:
        return 1.0
    return float(2 * ndtr(-abs(difference) / stderr)) if stderr > _NONE else None
