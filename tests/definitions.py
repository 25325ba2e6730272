"""The definitions of the statistics as loops over explicit per-sample gradients.

Rounding leaves entries of some 1e-17 where theory has zero, with either sign. Every function of
signs or directions therefore comes with a bound: how far such entries can move its value.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from tests.reference import Reference
from torch import Tensor

from gradalign.statistics import WeightStatistic

ROUNDING = 1e-14

NOISE = 1e-10
"""Entries below this share of the largest may be zero in theory: normalisations of what is constant
but for rounding raise it by 300 each."""


def gram(rows: Tensor) -> Tensor:
    """K[i, j] = <g_i, g_j> of rows [n, p]."""
    n = len(rows)
    return torch.stack(
        [torch.stack([(rows[i] * rows[j]).sum() for j in range(n)]) for i in range(n)]
    )


def without_noise(reference: Reference) -> dict[str, Tensor]:
    """Rows [n, p] of each block; a sample's row that is noise beside the largest is zero."""
    largest = max(
        (float(g.abs().max()) for g in reference.gradients.values() if g.numel()), default=0
    )
    rows = {}
    for name, gradient in reference.gradients.items():
        flat = gradient.flatten(1)
        size = flat.abs().amax(1, keepdim=True)
        rows[name] = torch.where(size > 1e-11 * largest, flat, 0.0)
    return rows


def unsure_weights(rows: Tensor) -> Tensor:
    """[n, p]: where the sign of g_ik or of the mean g-bar_k is a matter of rounding."""
    small = rows.abs() < NOISE * rows.abs().max()
    cancelled = rows.mean(0).abs() < NOISE * rows.abs().max()
    return (small | cancelled) & (rows.abs().max() > 0)


def agreement(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Number of weights with the sign of the mean, a sample, and how unsure it is."""
    mean = rows.mean(0)
    counts = []
    for row in rows:
        agrees = (row.sign() == mean.sign()) & (row != 0) & (mean != 0)
        counts.append(agrees.sum().double())
    return torch.stack(counts), unsure_weights(rows).sum(1).double()


def filter_alignment(
    rows: Tensor, filters: Tensor, every: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Sum over filters f of p_f mean_i cos(g_i^f, g-bar^f), and how unsure it is.

    `every` has the rows from whose inner products it is worked out, those left out too.
    """
    value, unsure = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    noise = NOISE * float(rows.norm(dim=1).max())
    for f in filters.unique():
        part = rows[:, filters.flatten() == f]
        mean = part.mean(0)
        cosines = [
            float(row @ mean / (row.norm() * mean.norm()))
            if row.norm() > noise and mean.norm() > noise
            else 0.0
            for row in part
        ]
        value += part.shape[1] * sum(cosines) / len(rows)
        close = [0 < row.norm() <= noise or 0 < mean.norm() <= noise for row in part]
        unsure += part.shape[1] * sum(close) / len(rows)
        if mean.norm() > noise:  # from inner products, a mean of what cancels keeps fewer digits
            whole = (rows if every is None else every)[:, filters.flatten() == f]
            cancelled = float(whole.norm(dim=1).max() / mean.norm()) ** 2
            unsure += part.shape[1] * ROUNDING * cancelled
    return value, unsure


def filter_alignment_left_out(rows: Tensor, filters: Tensor) -> tuple[Tensor, Tensor]:
    """`filter_alignment` of the others, for each sample left out."""
    pairs = [
        filter_alignment(torch.cat([rows[:i], rows[i + 1 :]]), filters, rows)
        for i in range(len(rows))
    ]
    return torch.stack([v for v, _ in pairs]), torch.stack([u for _, u in pairs])


def _ratio(top: Tensor, bottom: Tensor) -> Tensor:
    return torch.where(bottom > 0, top / bottom, 0.0)


WEIGHT_SUMS: list[tuple[WeightStatistic, Callable[[Tensor, Tensor], Tensor]]] = [
    (
        WeightStatistic("signs", ("sign_sum",), lambda m: m.sign_sum.abs()),
        lambda g, w: g.sign().sum(0).abs(),
    ),
    (WeightStatistic("sizes", ("abs_sum",), lambda m: m.abs_sum), lambda g, w: g.abs().sum(0)),
    (
        WeightStatistic("mean_squares", ("sum",), lambda m: m.mean.square()),
        lambda g, w: g.mean(0).square(),
    ),
    (
        WeightStatistic("saliency", ("sum", "weight"), lambda m: m.weight * m.sum),
        lambda g, w: w * g.sum(0),
    ),
    (
        WeightStatistic(
            "inverse_variation",
            ("sum", "abs_sum", "square_sum"),
            lambda m: _ratio(m.abs_sum / m.n, m.variance.sqrt()),
        ),
        lambda g, w: _ratio(g.abs().mean(0), variance(g).sqrt()),
    ),
    (
        WeightStatistic(
            "signal_to_noise",
            ("sum", "square_sum"),
            lambda m: _ratio(m.mean.square(), m.variance),
        ),
        lambda g, w: _ratio(g.mean(0).square(), variance(g)),
    ),
]
"""Sums over weights, as the engine is asked for them and as a function of rows and weights."""


def variance(rows: Tensor) -> Tensor:
    """Population variance of each column; zero where it is rounding noise of its second moment."""
    value = rows.var(0, correction=0)
    return torch.where(value > 8 * torch.finfo(rows.dtype).eps * rows.square().mean(0), value, 0.0)


def weight_sum_bounds(name: str, rows: Tensor, terms: Tensor, weights: Tensor) -> float:
    """How far rounding may move the weight sum `name`."""
    if name == "signs":
        return float(unsure_weights(rows).sum())
    if name == "saliency":
        return 1e-13 * float((weights * rows.abs().sum(0)).abs().sum())
    if name in ("inverse_variation", "signal_to_noise"):
        # a variance from two moments is as exact as they are, beside it: 1e-15 second / variance
        spread = variance(rows)
        second = rows.square().mean(0)
        close = second > 0
        loss = torch.where(spread > 0, 1e-14 * second / spread, 1.0)
        tiny = rows.abs().amax(0) < NOISE * rows.abs().max()
        bound = torch.where(close, terms * loss.clamp(max=1), 0.0).sum()
        return float("inf") if bool(((loss > 1e-3) | tiny)[close].any()) else float(bound)
    return 0.0


def activation_matches(codes: Tensor) -> Tensor:
    """Number of units on the same side of zero, for each pair of samples."""
    return torch.stack([(codes == code).sum(1) for code in codes]).double()


def spectrum(parts: list[Tensor]) -> Tensor:
    """Eigenvalues of the covariance of all rows of all samples, in ascending order."""
    rows = torch.cat(parts)
    centred = rows - rows.mean(0)
    return torch.linalg.eigvalsh(centred.T @ centred / len(rows))
