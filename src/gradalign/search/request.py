"""What is asked of a search, apart from how long and where it runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gradalign.rank import SIZES
from gradalign.search.bounds import Bounds
from gradalign.search.objective import COSTS, Objective

COUNTED = ("params", "macs")
"""What is counted of every proposal, limited or not."""

BATCH = 8
"""Proposals that a sampler makes before it sees what has become of them: so many can be measured
at the same time, and the result does not depend on how many are."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A search. The same one on the same data always proposes the same networks.

    Args:
        subject: Name of what is searched.
        sampler: Name of the sampler.
        objectives: What is wanted.
        bounds: What a network may take.
        seed: Of the sampler, the initialisations and the batch.
        further: Proxies that are measured beside the objectives.
        among: Table of the architectures that may be proposed; None: all may.
        latency_table: Where latencies are looked up; None: they are measured.
        protocols: The protocol of each proxy that is measured.
    """

    sampler: str
    objectives: tuple[Objective, ...]
    bounds: Bounds
    seed: int
    subject: str = ""
    further: tuple[str, ...] = ()
    among: str | None = None
    latency_table: str | None = None
    protocols: Mapping[str, str] = field(default_factory=dict)

    @property
    def costs(self) -> tuple[str, ...]:
        """What is measured of every proposal, before it may be scored."""
        limited = [name for name, _ in self.bounds]
        wanted = [each.name for each in self.objectives if each.name in COSTS]
        return tuple(dict.fromkeys([*COUNTED, *limited, *wanted]))

    @property
    def scores(self) -> tuple[str, ...]:
        """What is measured of the networks within the limits."""
        wanted = [name for each in self.objectives for name in each.measured]
        return tuple(
            name for name in dict.fromkeys([*wanted, *self.further]) if name not in self.costs
        )

    @property
    def measured(self) -> tuple[str, ...]:
        """All proxies that are measured."""
        return tuple(dict.fromkeys([*self.costs, *self.scores, *SIZES]))

    @property
    def moving(self) -> bool:
        """Whether values change as the pool grows."""
        return any(objective.moves for objective in self.objectives)

    @cached_property
    def document(self) -> dict[str, object]:
        """As JSON holds it."""
        return {
            "subject": self.subject,
            "sampler": self.sampler,
            "objectives": [each.name for each in self.objectives],
            "members": {each.name: list(each.measured) for each in self.objectives if each.moves},
            "bounds": self.bounds.to_dict(),
            "seed": self.seed,
            "protocols": dict(self.protocols),
            "among": self.among,
            "latency_table": self.latency_table,
        }

    @property
    def study_name(self) -> str:
        """Name of its study: another one for everything that changes what is proposed."""
        text = json.dumps(self.document, sort_keys=True)
        tag = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"{self.subject} {self.sampler} seed {self.seed} {tag}"
