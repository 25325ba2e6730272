"""Which candidates can be told apart, from scores that were repeated under the same conditions.

What is claimed: with a probability of at least 95 %, none of the stated orders is wrong, and all
rank intervals together hold the rank of every candidate by its expected score, over the batches
(and initialisations) that the repeats are drawn from. Nothing is claimed about accuracies after
training.

How: in each repeat every candidate sees the same batch, so differences are paired. For each ordered
pair, a one-sided paired t-test asks whether the first is better; Holm's step-down procedure over
all ordered pairs keeps the chance of one wrong statement or more at 5 %. For two candidates this is
the 95 % t interval of their mean difference. The differences are taken as normally distributed,
which a few repeats cannot show.

Source: Mogstad, Romano, Shaikh & Wilhelm, Inference for Ranks, Review of Economic Studies 2024,
section 3 (rank intervals from tests of all pairs); Holm, Scand. J. Statistics 1979.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

LEVEL = 0.05
"""Chance that one stated order or more is wrong."""

Values = NDArray[np.float64]
Pairs = NDArray[np.bool_]


def half_width(stderr: float, count: int) -> float:
    """Half of the 95 % t interval of a mean of `count` values, from its standard error."""
    return float(student.ppf(1 - LEVEL / 2, count - 1)) * stderr


def better_pairs(values: Values) -> Pairs:
    """Which candidates are better than which, beyond chance.

    Args:
        values: [N, R], one row a candidate, one column a repeat; higher is better; NaN where a
            candidate failed. A pair is compared over the repeats in which both have a value.

    Returns:
        [N, N]: entry (i, j) says that i is better than j. Differences that do not vary at all
        decide by their sign; fewer than two common repeats decide nothing.
    """
    chance = _one_sided(values[:, None, :] - values[None, :, :])
    np.fill_diagonal(chance, 1.0)
    return _holm(chance, len(values) * (len(values) - 1))


def told_from(values: Values, reference: Values) -> Values:
    """Which candidates are better or worse than one that they are all compared with.

    As `better_pairs`, but only the pairs with the reference are tested, so fewer statements share
    the chance of a wrong one.

    Args:
        values: [N, R], as there.
        reference: [R], the same of the reference.

    Returns:
        [N]: 1 for a better candidate, -1 for a worse one, 0 where nothing is told; NaN where
        nothing can be, as there are fewer than two common repeats.
    """
    differences = values - reference[None, :]
    better = _holm(_one_sided(np.stack([differences, -differences])), 2 * len(values))
    found = better[0].astype(np.float64) - better[1]
    return np.where(np.isfinite(differences).sum(1) < 2, np.nan, found)


def _holm(chance: Values, tests: int) -> Pairs:
    """The hypotheses, of any shape, that Holm's step-down procedure rejects.

    Args:
        chance: Chance of what was seen under each hypothesis.
        tests: How many are tested; what is not has a chance of 1.
    """
    rejected = np.zeros(chance.shape, dtype=bool)
    order = np.argsort(chance, axis=None, kind="stable")[:tests]
    limits = LEVEL / (tests - np.arange(tests))
    failed = np.flatnonzero(chance.flat[order] > limits)
    rejected.flat[order[: failed[0] if len(failed) else tests]] = True
    return rejected


def _one_sided(differences: Values) -> Values:
    """[...]: chance of a mean of [..., R] at least as large where the true one is 0."""
    known = np.isfinite(differences)
    count = known.sum(-1)
    mean = np.where(known, differences, 0.0).sum(-1) / np.maximum(count, 1)
    squares = np.where(known, differences - mean[..., None], 0.0) ** 2
    deviation = np.sqrt(squares.sum(-1) / np.maximum(count - 1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = mean / (deviation / np.sqrt(np.maximum(count, 1)))
    ratio = np.where(mean == 0.0, 0.0, ratio)
    chance: Values = student.sf(ratio, np.maximum(count - 1, 1))
    return np.where(count < 2, 1.0, chance)


def rank_intervals(better: Pairs) -> list[tuple[int, int]]:
    """Ranks that each candidate can have: [1 + number of better ones, N - number of worse ones]."""
    count = len(better)
    return [
        (1 + int(over), count - int(under))
        for over, under in zip(better.sum(0), better.sum(1), strict=True)
    ]


def neighbour_groups(apart: Pairs) -> list[range]:
    """Longest runs of neighbours in which no two are told apart, of two candidates or more.

    Args:
        apart: [N, N], symmetric, candidates best first.
    """
    groups: list[range] = []
    start = 0
    for stop in range(1, len(apart) + 1):
        previous = start
        if stop < len(apart):
            against = np.flatnonzero(apart[start:stop, stop])
            start = start + int(against[-1]) + 1 if len(against) else start
        if (stop == len(apart) or start > previous) and stop - previous > 1:
            groups.append(range(previous, stop))
    return groups
