"""What a search would find: the accuracy of the best by score among ever more networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from gradalign.evaluation import Row
from gradalign.evaluation.selection import pick_probabilities
from gradalign.pages.compared import Compared
from gradalign.pages.kinds import is_reference, is_size
from gradalign.report import Curve, Role

LEADING = 5
"""Scores that have a curve: those with the highest tau."""

SIZES = 3
"""Measures of size that have one."""

STEPS = 40
"""Points of a curve."""


def selection_curves(compared: Compared) -> list[Curve]:
    """Expected accuracy for the leading scores, sizes, short training, oracle and random choice.

    The scores with the highest tau are shown, not those that would find most: which these are is
    not known before the networks are trained.
    """
    rows = [row for row in compared.evaluation.rows if row.kendall_tau is not None]
    scores = [row for row in rows if not is_reference(row.proxy, trained=row.cost is not None)]
    sizes = [row for row in rows if is_size(row.proxy)]
    trained = [row for row in rows if row.cost is not None]
    accuracy = compared.pool.accuracy
    draws = steps(len(accuracy))
    return [
        *_of_rows(compared, scores[:LEADING], "score"),
        *_of_rows(compared, sizes[:SIZES], "size"),
        *_of_rows(compared, trained, "training"),
        Curve(name="oracle", role="oracle", x=draws, y=expected(accuracy, accuracy, draws)),
        Curve(name="random", role="random", x=draws, y=[float(accuracy.mean())] * len(draws)),
    ]


def steps(networks: int) -> list[int]:
    """Numbers of networks from 1 to all, evenly spaced on a logarithmic axis."""
    return [*dict.fromkeys(map(round, np.geomspace(1, networks, STEPS).tolist()))]


def expected(score: ArrayLike, accuracy: ArrayLike, draws: Sequence[int]) -> list[float]:
    """Accuracy of the best by score among so many drawn, the mean over all draws.

    Args:
        score: n values, higher is better, none of them NaN.
        accuracy: n values.
        draws: Numbers from 1 to n.
    """
    values = np.asarray(accuracy, dtype=np.float64)
    return [float(pick_probabilities(score, draw) @ values) for draw in draws]


def _of_rows(compared: Compared, rows: Sequence[Row], role: Role) -> Iterator[Curve]:
    for row in rows:
        column = compared.pool.columns[row.proxy]
        score = column.ranking[column.recorded]
        accuracy = compared.pool.accuracy[column.recorded]
        draws = steps(len(score))
        yield Curve(name=row.proxy, role=role, x=draws, y=expected(score, accuracy, draws))
