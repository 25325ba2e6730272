"""What the study found, in sentences; every number in them is of the document."""

from __future__ import annotations

from typing import Any

from gradalign.studies._estimates import number
from gradalign.studies._study import Document
from gradalign.studies.search.strategies import MAIN, SAMPLERS, SCORE, SIMPLER

HALF = 0.5
"""Share of the cost that assistance is hoped to come down to."""


def findings(document: Document) -> list[str]:
    """The sentences, each claim with its 95 % interval."""
    return [
        _ends(document),
        _claim(document),
        _elsewhere(document),
        *(_ratio(document, sampler) for sampler in SAMPLERS if sampler != MAIN),
        _size(document),
        _why(document),
    ]


def end_of(document: Document, sampler: str, score: str | None = None) -> dict[str, Any]:
    """The end of one strategy."""
    found: dict[str, Any] = next(
        end for end in document["ends"] if (end["sampler"], end["score"]) == (sampler, score)
    )
    return found


def ratio(end: dict[str, Any]) -> str:
    """The ratio of costs with its interval, in words where it has no end."""
    if end["ratio"] is None:
        return "never within the budget"
    low, high = end["ratio_ci"]
    if low is None or high is None:
        shown = "" if low is None else f"{low:.2f}"
        return f"{end['ratio']:.2f} [{shown}, not within the budget]"
    return number(end["ratio"], (low, high))


def _ends(document: Document) -> str:
    parts = []
    for sampler in SAMPLERS:
        alone, assisted = end_of(document, sampler), end_of(document, sampler, SCORE)
        parts.append(
            f"{sampler} {number(alone['accuracy'], alone['accuracy_ci'])}, assisted "
            f"{number(assisted['accuracy'], assisted['accuracy_ci'])}"
        )
    return (
        f"Mean accuracy of the best network found for {document['budget']:g} average trainings, in "
        f"percent, of {document['best']:.2f} at best: {'; '.join(parts)}."
    )


def _claim(document: Document) -> str:
    end = end_of(document, MAIN, SCORE)
    high = end["ratio_ci"][1]
    said = f"Share of its cost at which {MAIN} assisted by {SCORE} reaches what plain {MAIN} ends "
    if high is not None and high <= HALF:
        verdict = "At most half of the cost is enough: the interval lies below 0.5"
    elif end["ratio"] is not None and end["ratio"] <= HALF:
        verdict = "Half of the cost is enough in the mean, but the interval reaches above 0.5"
    else:
        verdict = "Half of the cost is not enough"
    return f"{said}with: {ratio(end)}. {verdict}."


def _elsewhere(document: Document) -> str:
    """The same share for smaller budgets, and where every training counts as one."""
    end = end_of(document, MAIN, SCORE)
    counted = end["by_trainings"]
    parts = [f"for {counted['trainings']} trainings, whatever each costs, {ratio(counted)}"]
    parts += [
        f"for {each['budget']:g} average trainings {ratio(each)}" for each in end["by_budget"]
    ]
    return f"The same share of smaller budgets: {'; '.join(parts)}."


def _ratio(document: Document, sampler: str) -> str:
    return (
        f"The same for {sampler}: {ratio(end_of(document, sampler, SCORE))} of the cost of "
        f"{sampler} alone."
    )


def _size(document: Document) -> str:
    parts = [
        f"{score} {number(end['accuracy'], end['accuracy_ci'])}, at {ratio(end)}"
        for score in (SCORE, *SIMPLER)
        for end in [end_of(document, MAIN, score)]
    ]
    return (
        f"What of this is size: {MAIN} assisted by other scores, final accuracy and share of the "
        f"cost: {'; '.join(parts)}."
    )


def _why(document: Document) -> str:
    parts = [
        f"{own['score']} tau {own['tau']:.2f} with accuracy and {own['tau_with_cost']:.2f} with "
        f"cost, best of its top hundredth {own['top_best']:.2f} at {own['top_cost']:.1f} average "
        "trainings a network"
        for own in document["scores"]
    ]
    return f"What the scores know of this table: {'; '.join(parts)}."
