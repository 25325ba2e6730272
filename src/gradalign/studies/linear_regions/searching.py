"""Counts of the networks of a benchmark, and what a search among them finds against the counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gradalign.benchmarks import Benchmark
from gradalign.comparison import drawn
from gradalign.studies._work import Workshop
from gradalign.studies.convergence.networks import OPTIONS as DIGITS_OPTIONS
from gradalign.studies.linear_regions.counterexamples import (
    longest_chain,
    welch,
    worst_pair,
    wrong_pairs,
)
from gradalign.studies.linear_regions.counting import MEANINGS, counted
from gradalign.studies.linear_regions.networks import WHOLE

DIGITS = "digits"
"""How the name of a benchmark begins whose networks were trained in small."""

FRESH = 1000
"""First seed of what is measured again to confirm what a search found: none of the search's."""

CLEAR = 1.2
"""How many times the lower count the higher one is in a clear pair: more than chance makes it."""

PAIRS: Mapping[str, Mapping[str, Any]] = {
    "pair": {},
    "clear_pair": {"times": CLEAR},
    "pair_of_a_size": {"same_size": True},
}
"""Pairs that are searched, and what `worst_pair` is asked for."""

Network = Mapping[str, Any]
Asked = tuple[str, str]
"""A network and a count."""


def counted_networks(
    workshop: Workshop, benchmark: Benchmark, metric: str, networks: int, seed: int
) -> list[dict[str, Any]]:
    """Drawn networks of a benchmark with their accuracy, counts and sizes.

    Args:
        workshop: Where they are counted.
        benchmark: Their table.
        metric: The accuracy.
        networks: How many; all of a smaller table.
        seed: Of the draw, and of initialisations and batch.
    """
    available = int(benchmark.frame[metric].notna().sum())
    archs = drawn(benchmark, [metric], min(networks, available), seed)
    tasks = [_task(arch, benchmark.name, tuple(MEANINGS), seed) for arch in archs]
    results: list[dict[str, Any]] = workshop.do("counting", counted, tasks)
    return [
        {
            "arch": arch,
            "accuracy": float(accuracy),
            "values": result["values"],
            "reasons": result["reasons"],
        }
        for arch, accuracy, result in zip(
            archs, benchmark.values(archs, metric), results, strict=True
        )
    ]


def _task(model: str, benchmark: str, counts: Sequence[str], seed: int) -> dict[str, Any]:
    space, _, arch = model.partition(":")
    build = DIGITS_OPTIONS[space] if benchmark.startswith(DIGITS) else WHOLE.get(space, {})
    return {"space": space, "arch": arch, "build": build, "counts": [*counts], "seed": seed}


def searched(
    workshop: Workshop, benchmark: str, networks: Sequence[Network], seeds: int
) -> list[dict[str, Any]]:
    """For each count what speaks against it among the networks, the pairs counted again.

    Args:
        workshop: Where they are counted again.
        benchmark: Of which benchmark.
        networks: From `counted_networks`.
        seeds: Fresh initialisations of each network of a pair.
    """
    pairs = {
        (count, name): worst_pair(networks, count, **asked)
        for count in MEANINGS
        for name, asked in PAIRS.items()
    }
    again_asked = {
        (str(network["arch"]), count): None
        for (count, _), pair in pairs.items()
        for network in pair or ()
    }
    again = _again(workshop, benchmark, [*again_asked], seeds)
    found = []
    for count in MEANINGS:
        chain = longest_chain(networks, count)
        found.append(
            {
                "count": count,
                **wrong_pairs(networks, count),
                "chain": [{"accuracy": n["accuracy"], "count": n["values"][count]} for n in chain],
                **{name: _pair(pairs[count, name], count, again) for name in PAIRS},
            }
        )
    return found


def _again(
    workshop: Workshop, benchmark: str, asked: Sequence[Asked], seeds: int
) -> dict[Asked, list[float]]:
    """Counts from fresh initialisations."""
    named = [(each, seed) for each in asked for seed in range(FRESH, FRESH + seeds)]
    tasks = [_task(model, benchmark, [count], seed) for (model, count), seed in named]
    results: list[dict[str, Any]] = workshop.do("counting pairs again", counted, tasks)
    values: dict[Asked, list[float]] = {each: [] for each in asked}
    for (each, _), result in zip(named, results, strict=True):
        if each[1] in result["values"]:
            values[each].append(result["values"][each[1]])
    return values


def _pair(
    pair: tuple[Network, Network] | None, count: str, again: Mapping[Asked, list[float]]
) -> dict[str, Any] | None:
    """A pair as the document has it."""
    if pair is None:
        return None
    a, b = (again[network["arch"], count] for network in pair)
    return {
        "archs": [network["arch"] for network in pair],
        "accuracy": [network["accuracy"] for network in pair],
        "count": [network["values"][count] for network in pair],
        "difference": asdict(welch(a, b)) if a and b else None,
    }
