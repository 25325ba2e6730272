"""What the project promises of its own speed, and whether a run kept it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.case import OURS, Memory, Row
from bench.memory import STEP

BATCH = 64
"""The limits hold at this batch size."""

TIME: Mapping[str, Mapping[str, float]] = {
    "nb201": {"I+II": 1.35, "family, no spectra": 1.5, "all of the pass": 3.0},
    "resnet18": {"I+II": 1.45, "family, no spectra": 1.75, "all of the pass": 3.0},
    "vit": {"I+II": 1.6, "family, no spectra": 1.9},
    "depthwise": {"I+II": 1.6, "family, no spectra": 2.0},
}
"""Multiples of one training step."""

MEMORY: Mapping[str, float] = {"resnet18": 1.3}
"""Multiples of the peak memory of one training step."""


@dataclass(frozen=True)
class Verdict:
    """A limit and what was measured against it."""

    what: str
    measured: float
    limit: float

    @property
    def kept(self) -> bool:
        return self.measured <= self.limit


def verdicts(rows: Sequence[Row], memory: Sequence[Memory]) -> list[Verdict]:
    """Every limit that this run measured."""
    timed = [row for row in rows if row.batch == BATCH and row.ratios]
    found = [
        Verdict(f"{row.network}: {row.variant}, {row.norm}", row.median, limit)
        for row in timed
        if row.tool == OURS and (limit := TIME.get(row.network, {}).get(row.variant))
    ]
    return [*found, *_against_peers(timed), *_memory(memory)]


def _against_peers(timed: Sequence[Row]) -> list[Verdict]:
    """Our slower I+II against the fastest peer of each network that has a limit."""
    found = []
    for network in TIME:
        rows = [row for row in timed if row.network == network]
        ours = [row.median for row in rows if row.tool == OURS and row.variant == "I+II"]
        peers = {row.tool: row.median for row in rows if row.tool != OURS}
        if ours and peers:
            fastest = min(peers, key=peers.__getitem__)
            what = f"{network}: I+II against the fastest peer, {fastest}"
            found.append(Verdict(what, max(ours), peers[fastest]))
    return found


def _memory(memory: Sequence[Memory]) -> list[Verdict]:
    measured = {(m.network, m.what): m.megabytes for m in memory if m.batch == BATCH}
    return [
        Verdict(f"{network}: peak memory, {what}", peak / measured[network, STEP], MEMORY[network])
        for (network, what), peak in measured.items()
        if what != STEP and network in MEMORY
    ]
