"""What a page shows of networks beside one column of accuracies, or without any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradalign.report._figure import Figure
from gradalign.report.axis import AccuracyAxis
from gradalign.report.curves import Curve, curve_figure
from gradalign.report.dots import Dot, dot_figure
from gradalign.report.table import SortableTable


@dataclass(frozen=True, kw_only=True)
class Highlight:
    """A figure at the top of the page.

    Args:
        value: The number.
        label: What it is.
        detail: More about it, smaller.
    """

    value: str
    label: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class View:
    """Scores beside one column of accuracies; without accuracies, the scores alone.

    Args:
        name: What is shown, as the reader chooses it.
        highlights: The figures to see first.
        table: All figures.
        notes: Paragraphs under the table.
        dots: Scores with intervals.
        dots_label: Axis of the dots, with the unit.
        curves: Expected accuracy of what a score picks.
        accuracies: Accuracy of the networks of the part, in their order, and how it is drawn.
        findings: What the numbers say, in sentences.
    """

    name: str
    highlights: Sequence[Highlight]
    table: SortableTable
    notes: Sequence[str]
    dots: Sequence[Dot] = ()
    dots_label: str = ""
    curves: Sequence[Curve] = ()
    accuracies: AccuracyAxis | None = None
    findings: Sequence[str] = ()

    @property
    def dot_figure(self) -> Figure | None:
        """The dots as a chart; None where there are none."""
        return dot_figure(self.dots, self.dots_label) if self.dots else None

    @property
    def curve_figure(self) -> Figure | None:
        """The curves as a chart; None where there are none."""
        if self.accuracies is None:
            return None
        return curve_figure(self.curves, f"{self.accuracies.label}{self.accuracies.unit}")
