"""Networks that can be compared with each other, and all that a page shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradalign.report.heat_map import HeatMap
from gradalign.report.scatter import Scatter
from gradalign.report.table import SortableTable
from gradalign.report.view import View


@dataclass(frozen=True, kw_only=True)
class Part:
    """One pool of networks.

    Args:
        name: What it is, where the reader chooses among several.
        views: At least one.
        networks: Names of the networks that are drawn as points.
        points: Which networks these are, in a sentence; empty where they are all.
        colour: One value a point that colours it, and what it is; None: all the same.
        scatters: A chart for each score.
        agreement: How much the scores agree; None where there are fewer than two.
        agreement_note: Over which networks, in a sentence.
        failures: What could not be measured, a row for each kind; None where nothing failed.
        failures_note: How much failed, in a sentence.
        facts: Names and values: how it was measured.
    """

    name: str
    views: Sequence[View]
    networks: Sequence[str]
    points: str
    colour: tuple[Sequence[float | None], str] | None
    scatters: Sequence[Scatter]
    agreement: HeatMap | None
    agreement_note: str
    failures: SortableTable | None
    failures_note: str
    facts: Sequence[tuple[str, str]]
