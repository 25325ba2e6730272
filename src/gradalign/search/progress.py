"""How far a search is, counted over its trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Progress:
    """How far a search is.

    Args:
        budget: Networks to score; None: no limit.
        evaluations: Networks that were scored, those that failed in it included.
        proposals: Architectures that the sampler proposed.
        duplicates: Of them, those whose network was scored already.
        excluded: Of them, those that break a limit, or that their function has refused.
        failures: Of them, those that have failed.
        refused: How many break each limit, by the name of the measure.
        least: The least of each cost that was met.
        barren: Proposals since the last network that was scored.
        reason: Why the last one without a value has none.
        seconds: Since this run began.
    """

    budget: int | None = None
    evaluations: int = 0
    proposals: int = 0
    duplicates: int = 0
    excluded: int = 0
    failures: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    least: dict[str, float] = field(default_factory=dict)
    barren: int = 0
    reason: str | None = None
    seconds: float = 0.0

    def count(self, attributes: Mapping[str, Any], broken: Iterable[str], state: str) -> None:
        """Count a trial that is told.

        Args:
            attributes: Its user attributes.
            broken: The limits that it breaks.
            state: Its state.
        """
        scored = "measured" in attributes
        self.proposals += 1
        self.evaluations += scored
        self.duplicates += "same_as" in attributes
        self.excluded += state == "PRUNED"
        self.failures += state == "FAIL"
        self.refused.update(broken)
        self.barren = 0 if scored else self.barren + 1
        self.reason = attributes.get("reason", self.reason)
        for name, cost in attributes.get("costs", {}).items():
            if cost is not None:
                self.least[name] = min(cost, self.least.get(name, cost))
