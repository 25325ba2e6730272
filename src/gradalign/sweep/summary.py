"""How far a sweep is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gradalign.record import Scores


@dataclass(kw_only=True)
class Summary:
    """How far a sweep is, or how it ended. Networks count once for each seed.

    Args:
        total: Networks to be asked for, where that is known before; of a shard, about so many.
        asked: Networks asked for so far; they are `already` + `to_measure` + `shared`.
        already: Of them, those whose records were in the store.
        to_measure: Of them, those that are measured for themselves.
        measured: Of these, how many are done.
        shared: Networks that got the records of an isomorphic one.
        failures: How many of the measured networks failed in at least one score, by status.
        seconds: Since the first of them was begun.
    """

    total: int | None = None
    asked: int = 0
    already: int = 0
    to_measure: int = 0
    measured: int = 0
    shared: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Measured networks that failed in at least one score."""
        return self.failures.total()

    @property
    def done(self) -> int:
        """Networks that have all their records."""
        return self.already + self.measured + self.shared

    @property
    def rate(self) -> float:
        """Networks measured in a second."""
        return self.measured / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time to the end, at the pace so far; None: there is no telling."""
        if self.total is None or not self.measured:
            return None
        return max(0, self.total - self.done) * self.seconds / (self.measured + self.shared)

    def count(self, found: Scores, *, shared: int) -> None:
        """Count a measured network, and the isomorphic ones that got its records."""
        self.measured += 1
        self.shared += shared
        self.failures.update([record.status for record in found if record.status != "ok"][:1])

    def to_dict(self) -> dict[str, object]:
        """The JSON document `sweep`."""
        return {**vars(self), "failures": dict(self.failures), "networks_per_second": self.rate}
