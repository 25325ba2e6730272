"""The axis of accuracy, which all charts of one view share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gradalign.report._figure import title

TICKS = (10, 30, 50, 60, 70, 80, 85, 90, 92, 94, 95, 96, 97, 98, 99, 99.5, 99.9)
"""Percentages that can have a label on an axis of errors."""

WIDE_ERRORS = 3
"""From this ratio of the largest to the smallest error on, the axis is that of the errors."""

APART = 0.09
"""Least distance of two labels, as a share of the axis."""


SHORT = 16
"""Characters of a label for which a small chart has room."""


@dataclass(frozen=True, kw_only=True)
class AccuracyAxis:
    """Accuracies as they are drawn.

    Percentages of good and bad networks together are drawn as errors, logarithmic and turned: that
    gives the good networks, which are close to each other, the room.

    Args:
        label: What is drawn.
        values: The accuracies; None where a network has none.
        percent: Whether they are percentages.
    """

    label: str
    values: Sequence[float | None]
    percent: bool

    @property
    def of_errors(self) -> bool:
        """Whether 100 less the accuracy is drawn, on a logarithmic axis."""
        ends = self._ends
        return (
            self.percent
            and ends is not None
            and ends[0] >= 0
            and ends[1] < 100
            and 100 - ends[0] >= WIDE_ERRORS * (100 - ends[1])
        )

    @property
    def unit(self) -> str:
        """Their unit, behind a label."""
        return " (%)" if self.percent else ""

    @property
    def layout(self) -> dict[str, object]:
        """The axis of a small chart as plotly has it."""
        label = self.label
        if len(label) > SHORT:
            label = f"{label[: SHORT - 1]}…"
        text = f"{label}{self.unit}"
        if not self.of_errors:
            return {"title": title(text), "nticks": 6}
        ticks = self._ticks()
        return {
            "title": title(f"{text}, log of error"),
            "type": "log",
            "autorange": "reversed",
            "tickvals": [100 - tick for tick in ticks],
            "ticktext": [f"{tick:g}" for tick in ticks],
        }

    @property
    def _ends(self) -> tuple[float, float] | None:
        present = [value for value in self.values if value is not None]
        return (min(present), max(present)) if present else None

    def _ticks(self) -> list[float]:
        """Labels within the range, from the top, none too close to the one before."""
        low, high = self._ends or (0.0, 0.0)
        span = math.log(100 - low) - math.log(100 - high)
        kept: list[float] = []
        for tick in reversed(TICKS):
            if not low <= tick <= high:
                continue
            if not kept or math.log((100 - tick) / (100 - kept[-1])) >= APART * span:
                kept.append(tick)
        return kept
