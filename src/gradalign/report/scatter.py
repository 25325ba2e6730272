"""One score of every network, a point each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradalign.report._figure import Figure, finite, layout, title

SCALE = ((0.0, "#0072B2"), (0.5, "#9AA5AE"), (1.0, "#E69F00"))
"""Blue to orange, of Okabe & Ito's colours: for any colour vision, on light and dark."""

WIDE_RANGE = 50
"""From this ratio of large to small values on, an axis is logarithmic."""


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """One score of every network.

    Args:
        name: Name of the score.
        unit: Of the score; empty where it has none.
        better: Its direction.
        values: One value a network; None where it has none.
        tau: Rank correlation with the accuracy of each view, by the view's name.
    """

    name: str
    unit: str
    better: str
    values: Sequence[float | None]
    tau: Mapping[str, float | None]

    @property
    def figure(self) -> Figure:
        """The score's axis and its points; the script adds what all of these charts share."""
        log = spans_magnitudes([value for value in self.values if value is not None])
        text = f"{self.unit or 'score'}{', log scale' if log else ''}"
        ticks = {"type": "log", "dtick": 1} if log else {"type": "linear", "nticks": 5}
        points = {
            "type": "scatter",
            "mode": "markers",
            "x": finite(self.values),
            "marker": {"size": 6, "opacity": 0.75, "colorscale": SCALE, "line": {"width": 0}},
        }
        return {"data": [points], "layout": layout(260, xaxis={"title": title(text), **ticks})}


def spans_magnitudes(values: Sequence[float]) -> bool:
    """Whether all but the outermost twentieths of the values are far apart in ratio."""
    ordered = sorted(values)
    cut = len(ordered) // 20
    return bool(ordered) and ordered[0] > 0 and ordered[-1 - cut] > WIDE_RANGE * ordered[cut]
