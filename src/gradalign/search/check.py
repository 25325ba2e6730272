"""How sure the first place is: the best, measured again."""

from __future__ import annotations

from collections.abc import Sequence

from gradalign.aggregates import AGGREGATES
from gradalign.rank import SIZES, ranking_of
from gradalign.ranking import Ranking
from gradalign.record import Scores
from gradalign.search.archive import Found
from gradalign.search.measure import Measurer
from gradalign.search.objective import COSTS, Objective
from gradalign.search.request import Request

CHECKED = 5
"""Networks that are measured again."""


def checked(
    ranked: Sequence[Found], request: Request, measurer: Measurer, repeats: int
) -> Ranking | None:
    """The best few with further seeds, in the order of their means.

    A rank aggregate is there that among these few.

    Args:
        ranked: All networks, best first.
        request: What was asked.
        measurer: Measures them.
        repeats: Number of seeds, that of the search being the first.

    Returns:
        Their ranking; None where it would say nothing: several objectives, a cost, one network or
        one seed.
    """
    objective, *others = request.objectives
    if repeats < 2 or len(ranked) < 2 or others or objective.name in COSTS:
        return None
    models = [own.model for own in ranked[:CHECKED]]
    seeds = range(request.seed, request.seed + repeats)
    measured = tuple(dict.fromkeys([*objective.measured, *SIZES]))
    records = measurer.records(models, measured, seeds=seeds)
    return ranking_of(
        {
            model: [Scores(records[model, seed].values(), measurer.protocols) for seed in seeds]
            for model in models
        },
        by=objective.name,
        proxies=objective.measured,
        combine=_combination(objective),
    )


def _combination(objective: Objective) -> tuple[str, ...]:
    """How an aggregate that is not registered is written."""
    rule = objective.aggregate
    if rule is None or rule.name in AGGREGATES:
        return ()
    return (f"{rule.name}={'+'.join(rule.members)}",)
