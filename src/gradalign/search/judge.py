"""From proposals to what becomes of them: limits first, then scores, each network once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradalign.search.costs import Costs
from gradalign.search.measure import Measurer
from gradalign.search.objective import Values
from gradalign.search.outcome import Outcome
from gradalign.search.request import Request
from gradalign.search.subject import Proposal


class Judge:
    """Finds out what becomes of proposals.

    Args:
        request: What is asked.
        costs: Measures what a network takes.
        measurer: Measures scores, and records them.
    """

    def __init__(self, request: Request, costs: Costs, measurer: Measurer) -> None:
        self._request = request
        self._costs = costs
        self._measurer = measurer
        self._pool: list[Values] = []
        self._numbers: list[int] = []
        self._places: dict[str, int] = {}

    def remember(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Take in a finished trial by its user attributes."""
        if "measured" in attributes:
            self._add(number, attributes["key"], attributes["measured"])

    def outcomes(self, proposals: Mapping[int, Proposal]) -> dict[int, Outcome]:
        """What becomes of the proposals of a batch, by the numbers of their trials."""
        costs = self._costs.of(list(proposals.values()))
        found: dict[int, Outcome] = {}
        first: dict[str, int] = {}
        for number, own in proposals.items():
            refusal = self._request.bounds.refusal(costs[own.model])
            if refusal is not None:
                margins = self._request.bounds.margins(costs[own.model])
                found[number] = Outcome(costs=costs[own.model], margins=margins, reason=refusal)
            elif own.key not in self._places:
                first.setdefault(own.key, number)
        new = [proposals[number].model for number in first.values()]
        records = self._measurer.records(new, self._request.scores)
        for number, own in proposals.items():
            if number in found:
                continue
            new_one = first.get(own.key) == number
            scores = records[own.model, self._measurer.seed] if new_one else None
            found[number] = self._accepted(number, own, costs[own.model], scores)
        return found

    def _accepted(
        self, number: int, proposal: Proposal, costs: Values, scores: Mapping[str, Any] | None
    ) -> Outcome:
        """The outcome of a proposal within the limits, with new scores or those of its twin."""
        reason = None
        if scores is not None:
            failures = [
                f"{name}: {own.reason}" for name, own in scores.items() if own.value is None
            ]
            reason = failures[0] if failures else None
            measured = {**costs, **{name: own.value for name, own in scores.items()}}
            self._add(number, proposal.key, measured)
        place = self._places[proposal.key]
        return Outcome(
            costs=costs,
            measured=self._pool[place] if scores is not None else None,
            values=self._values(place),
            margins=self._request.bounds.margins(costs),
            reason=reason,
            same_as=self._numbers[place] if scores is None else None,
        )

    def _add(self, number: int, key: str, measured: Values) -> None:
        self._places[key] = len(self._pool)
        self._pool.append(measured)
        self._numbers.append(number)

    def _values(self, place: int) -> tuple[float, ...] | None:
        """The objectives of a network in the pool as it is; None where one has no value."""
        found = [objective.value(self._pool, place) for objective in self._request.objectives]
        values = tuple(value for value in found if value is not None)
        return values if len(values) == len(found) else None
