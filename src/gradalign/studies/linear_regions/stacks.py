"""What trained stacks say: a pair found by search, a family, and changed initial weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gradalign.studies._estimates import mean
from gradalign.studies._work import Workshop
from gradalign.studies.linear_regions.counterexamples import welch, worst_pair
from gradalign.studies.linear_regions.searching import FRESH
from gradalign.studies.linear_regions.training import (
    CHANGED,
    CHANGES,
    FAMILY,
    Asked,
    Change,
    drawn_stacks,
    trainings,
)

Runs = Sequence[Mapping[str, Any]]


def trained_stacks(workshop: Workshop, stacks: int, seeds: int, seed: int) -> dict[str, Any]:
    """Everything that is trained, analysed.

    Args:
        workshop: Where it is trained.
        stacks: How many are drawn for the search.
        seeds: Trainings of each; twice as many fresh ones of the pair that is found.
        seed: Of the draw.

    Returns:
        `pool` and `family`, a summary of each stack; `pair`, the worst of the pool, trained anew;
        `family_ends`, the deepest less the shallowest; `changes`, what each did.
    """
    drawn = drawn_stacks(stacks, seed)
    plain: list[Asked] = [(arch, None) for arch in dict.fromkeys([*drawn, *FAMILY, *CHANGED])]
    changed: list[Asked] = [(arch, change) for arch in CHANGED for change in CHANGES]
    runs = trainings(workshop, [*plain, *changed], range(seeds))
    pool = [summary(arch, runs[arch, None]) for arch in drawn]
    pair = worst_pair(
        [{**each, "values": {"regions": each["regions"]["value"]}} for each in pool], "regions"
    )
    return {
        "pool": pool,
        "pair": None if pair is None else _confirmed(workshop, [n["arch"] for n in pair], seeds),
        "family": [summary(arch, runs[arch, None]) for arch in FAMILY],
        "family_ends": _difference(runs[FAMILY[-1], None], runs[FAMILY[0], None]),
        "changes": [
            effect(arch, change, runs[arch, None], runs[arch, change])
            for arch in CHANGED
            for change in CHANGES
        ],
    }


def summary(arch: str, runs: Runs) -> dict[str, Any]:
    """Mean count and accuracy of a stack over its trainings."""
    accuracy = mean([run["accuracy"] for run in runs])
    return {
        "arch": arch,
        "regions": asdict(mean([run["before"] for run in runs])),
        "accuracy": accuracy.value,
        "accuracy_ci": accuracy.ci,
        "n": len(runs),
    }


def _confirmed(workshop: Workshop, archs: Sequence[str], seeds: int) -> dict[str, Any]:
    """A pair that was chosen for its numbers, trained again from other initialisations."""
    fresh = range(FRESH, FRESH + 2 * seeds)
    runs = trainings(workshop, [(arch, None) for arch in archs], fresh)
    a, b = (runs[arch, None] for arch in archs)
    return {"archs": [*archs], "n": len(fresh), **_difference(a, b)}


def _difference(a: Runs, b: Runs) -> dict[str, Any]:
    return {
        "regions": asdict(welch([r["before"] for r in a], [r["before"] for r in b])),
        "accuracy": asdict(welch([r["accuracy"] for r in a], [r["accuracy"] for r in b])),
    }


def effect(arch: str, change: Change, before: Runs, after: Runs) -> dict[str, Any]:
    """What a change of the initial weights did: means of paired differences, same seeds."""
    pairs = [*zip(before, after, strict=True)]
    return {
        "arch": arch,
        **asdict(change),
        "same_count": all(a["before"] == b["before"] for a, b in pairs),
        "regions": asdict(mean([b["before"] - a["before"] for a, b in pairs])),
        "regions_before": asdict(mean([a["before"] for a, _ in pairs])),
        "accuracy": asdict(mean([b["accuracy"] - a["accuracy"] for a, b in pairs])),
        "accuracy_before": asdict(mean([a["accuracy"] for a, _ in pairs])),
        "diverged": sum(bool(b["diverged"]) for _, b in pairs),
        "n": len(pairs),
    }
