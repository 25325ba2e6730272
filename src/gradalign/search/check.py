"""How sure the first place is: the best, measured again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from gradalign.aggregates import AGGREGATES
from gradalign.rank import SIZES, ranking_of
from gradalign.ranking import Ranking
from gradalign.record import Protocols, Score, Scores
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
    if not _says_something(ranked, request, repeats):
        return None
    models = [own.model for own in ranked[:CHECKED]]
    seeds = range(request.seed, request.seed + repeats)
    records = measurer.records(models, checked_proxies(request), seeds=seeds)
    return _ranking(
        {
            model: [Scores(records[model, seed].values(), measurer.protocols) for seed in seeds]
            for model in models
        },
        request,
    )


def recorded_check(
    ranked: Sequence[Found], request: Request, records: Sequence[Score], protocols: Protocols
) -> Ranking | None:
    """The same from records: with all seeds, from that of the search on, that the best few have.

    Args:
        ranked: All networks, best first.
        request: What was asked.
        records: Of the best few, under the protocols of the search.
        protocols: The conditions by hash.
    """
    wanted = checked_proxies(request)
    models = [own.model for own in ranked[:CHECKED]]
    known = {(each.model, each.seed, each.proxy): each for each in records}
    last = max((each.seed for each in records), default=request.seed)
    seeds = [
        *takewhile(
            lambda seed: all((model, seed, name) in known for model in models for name in wanted),
            range(request.seed, last + 1),
        )
    ]
    if not _says_something(ranked, request, len(seeds)):
        return None
    return _ranking(
        {
            model: [
                Scores([known[model, seed, name] for name in wanted], protocols) for seed in seeds
            ]
            for model in models
        },
        request,
    )


def checked_proxies(request: Request) -> tuple[str, ...]:
    """What is measured again."""
    return tuple(dict.fromkeys([*request.objectives[0].measured, *SIZES]))


def _says_something(ranked: Sequence[Found], request: Request, repeats: int) -> bool:
    objective, *others = request.objectives
    return not (repeats < 2 or len(ranked) < 2 or others or objective.name in COSTS)


def _ranking(table: Mapping[str, Sequence[Scores]], request: Request) -> Ranking:
    objective = request.objectives[0]
    return ranking_of(
        table,
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
