"""From the courses of the searches to curves, ends and ratios of cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import kendalltau, spearmanr

from gradalign.search.simulation import Course, Table, cost_ratio, mean_curve
from gradalign.studies._estimates import Estimate, mean
from gradalign.studies.search.strategies import SCORES, strategies

FINE, SHOWN = 1_000, 60
"""Costs at which ratios are read off, and those of the pictures."""

BUDGETS = (10.0, 20.0, 50.0, 100.0, 200.0)
"""Smaller budgets at which the same searches are compared too, in average trainings."""


def analysed(
    courses: Mapping[str, Sequence[Course]], table: Table, budget: float, seed: int
) -> dict[str, Any]:
    """The document's numbers.

    Args:
        courses: The searches by the name of their strategy.
        table: What was searched.
        budget: Of each, in average trainings.
        seed: Of the bootstrap.
    """
    fine = np.linspace(0, budget, FINE + 1)[1:]
    shown = np.geomspace(1, budget, SHOWN)
    return {
        "costs": shown.tolist(),
        "curves": {name: _curve(own, shown) for name, own in courses.items()},
        "ends": [
            {
                "strategy": each.name,
                "sampler": each.sampler,
                "score": None if each.assistance is None else each.assistance.score,
                **_end(courses[each.name], budget),
                **_against(courses[each.sampler], courses[each.name], fine, seed),
            }
            for each in strategies()
        ],
        "scores": [_agreement(name, table) for name in SCORES],
    }


def _curve(own: Sequence[Course], shown: np.ndarray[Any, Any]) -> dict[str, list[float | None]]:
    middle, half = mean_curve(own, shown)
    return {
        name: [None if np.isnan(each) else float(each) for each in values]
        for name, values in (("mean", middle), ("low", middle - half), ("high", middle + half))
    }


def _end(own: Sequence[Course], budget: float) -> dict[str, Any]:
    best = [course.best[-1] for course in own]
    quartiles = np.quantile(best, (0.25, 0.5, 0.75)).tolist()
    return {
        "runs": len(own),
        **_named("accuracy", mean(best)),
        "quartiles": quartiles,
        "trainings": float(np.mean([course.trainings for course in own])),
        "spent": float(np.mean([course.cost for course in own])) / budget,
    }


def _against(
    plain: Sequence[Course], own: Sequence[Course], fine: np.ndarray[Any, Any], seed: int
) -> dict[str, Any]:
    """Where a strategy reaches what its sampler alone ends with; None: nowhere.

    Also for smaller budgets, and with every training counted as one: there the comparison ends with
    the number of trainings that every run of both has.
    """
    if own is plain:
        return {"ratio": None, "ratio_ci": None}
    most = min(course.trainings for course in (*plain, *own))
    counted = tuple([course.in_trainings() for course in runs] for runs in (plain, own))
    return {
        **_ratio(plain, own, fine, seed),
        "by_budget": [
            {"budget": each, **_ratio(plain, own, fine[fine <= each], seed)}
            for each in BUDGETS
            if each < fine[-1]
        ],
        "by_trainings": {
            "trainings": most,
            **_ratio(counted[0], counted[1], np.arange(1.0, most + 1), seed),
        },
    }


def _ratio(
    plain: Sequence[Course], own: Sequence[Course], costs: np.ndarray[Any, Any], seed: int
) -> dict[str, Any]:
    ratio, ends = cost_ratio(plain, own, costs, seed=seed)
    return {"ratio": _finite(ratio), "ratio_ci": [_finite(each) for each in ends]}


def _agreement(name: str, table: Table) -> dict[str, Any]:
    """How a score orders the table, and the accuracy of what it likes best."""
    values, has = table.scores[name], np.isfinite(table.scores[name])
    order = np.argsort(-values[has], kind="stable")
    top = order[: max(1, len(order) // 100)]
    accuracy, training = table.accuracy[has], table.training[has]
    return {
        "score": name,
        "tau": float(kendalltau(values[has], accuracy).statistic),
        "tau_with_cost": float(kendalltau(values[has], training).statistic),
        "rho": float(spearmanr(values[has], accuracy).statistic),
        "top_accuracy": float(accuracy[top].mean()),
        "top_best": float(accuracy[top].max()),
        "top_cost": float(training[top].mean()),
        "without": int((~has).sum()),
    }


def _named(name: str, estimate: Estimate) -> dict[str, Any]:
    return {name: estimate.value, f"{name}_ci": estimate.ci and list(estimate.ci)}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
