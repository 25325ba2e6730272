"""One network at one batch size: a training step, our passes, and the peers."""

from __future__ import annotations

import copy
import statistics
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.measure import interleaved, one_thread, training_step
from bench.memory import STEP, peak_megabytes
from bench.networks import NETWORKS, draw
from bench.ours import NORMS, VARIANTS, passes
from bench.peers import PEERS, Attempt, attempt
from bench.scores import Scores, from_statistics

PEER_REPEATS = 3
"""Peers are timed no more often than this: most are slow, and far off."""

OURS = "gradalign"


@dataclass(frozen=True)
class Row:
    """What one tool takes.

    Args:
        network: Name of the network.
        batch: Number of samples.
        tool: `gradalign`, or a peer.
        variant: What is computed.
        norm: Norm mode of ours; None for a peer, which normalises every sample on its own.
        ratios: Time as a multiple of a training step, one for each repeat; empty where refused.
        step_seconds: Seconds of each training step beside it.
        difference: Largest relative difference of a peer's scores from ours in `norm=sample`.
        note: Backend of ours; what a peer was given, or why it was not timed.
    """

    network: str
    batch: int
    tool: str
    variant: str
    norm: str | None = None
    ratios: tuple[float, ...] = ()
    step_seconds: tuple[float, ...] = ()
    difference: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The middle ratio; of rows that were timed only."""
        return statistics.median(self.ratios)

    @property
    def label(self) -> str:
        return " ".join(filter(None, (self.tool, self.variant, self.norm)))


@dataclass(frozen=True)
class Memory:
    """Peak memory of one training step or pass, in MB."""

    network: str
    batch: int
    what: str
    megabytes: float


def time_case(name: str, batch: int, peers: Sequence[str], repeats: int) -> list[Row]:
    """Time everything on network `name`; ours first checked, then timed without the check."""
    with one_thread():
        network = NETWORKS[name].build()
        inputs, targets = draw(batch)
        rows: list[Row] = []
        rivals: dict[str, Callable[[], Scores]] = {}
        reference: Scores | None = None
        for (variant, norm), run in passes(copy.deepcopy(network), inputs, targets).items():
            first = run.measure("auto")
            if (variant, norm) == ("I+II", "sample"):
                reference = from_statistics(first)
            rows.append(Row(name, batch, OURS, variant, norm, note=first.backend))
            rivals[rows[-1].label] = run
        for peer in peers:
            tried = attempt(PEERS[peer], network, inputs, targets)
            rows.append(_peer_row(name, batch, peer, tried, reference))
            if tried.run is not None:
                rivals[rows[-1].label] = tried.run
        turns = {
            row.label: repeats if row.tool == OURS else min(repeats, PEER_REPEATS) for row in rows
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the peers repeat theirs in every pass
            timings = interleaved(training_step(network, inputs, targets), rivals, turns)
    return [
        replace(row, ratios=tuple(timing.ratios), step_seconds=tuple(timing.step_seconds))
        if (timing := timings.get(row.label))
        else row
        for row in rows
    ]


def _peer_row(name: str, batch: int, peer: str, tried: Attempt, ours: Scores | None) -> Row:
    compared = tried.scores.difference(ours) if tried.scores and ours else None
    return Row(name, batch, peer, PEERS[peer].gives, difference=compared, note=tried.note)


def memory_of(name: str, batch: int) -> list[Memory]:
    """Peak memory of a step and of every pass of ours."""
    whats = [STEP, *(f"{variant}/{norm}" for norm in NORMS for variant in VARIANTS)]
    return [Memory(name, batch, what, peak_megabytes(name, batch, what)) for what in whats]
