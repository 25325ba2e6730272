"""What part of the exact count samples find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gradalign.studies._estimates import mean
from gradalign.studies.linear_regions.sampling import BATCHES

Sampled = Sequence[Mapping[str, Any]]


def places_seen(
    sampled: Sampled, kind: str, place: int, arch: str | None = None
) -> dict[str, Any] | None:
    """Mean part of the regions that the points of one draw meet.

    Args:
        sampled: Results of `sampling.measured`.
        kind: `line` or `plane`.
        place: Which of `SAMPLES`.
        arch: Of which stack; None: of all.

    Returns:
        `value` and `ci`, the mean over stacks and its interval over seeds; None: none was counted.
    """
    parts: dict[int, list[float]] = {}
    for each in sampled:
        if kind in each and arch in (None, each["arch"]):
            own = each[kind]
            parts.setdefault(each["seed"], []).append(own["codes"][place] / own["exact"])
    if not parts:
        return None
    return asdict(mean([sum(each) / len(each) for each in parts.values()]))


def saturated_stacks(sampled: Sampled, place: int) -> tuple[int, int]:
    """How many networks give a batch as many codes as it has samples, and how many there are."""
    full = sum(each["batch"]["codes"][place] == BATCHES[place] for each in sampled)
    return full, len(sampled)
