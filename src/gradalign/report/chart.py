"""Charts as data for plotly: the page's script draws them in the colours of the reader's theme."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

SCALE = ((0.0, "#0072B2"), (0.5, "#9AA5AE"), (1.0, "#E69F00"))
"""Blue to orange, of Okabe & Ito's colours: for any colour vision, on light and dark."""

WIDE_RANGE = 50
"""From this ratio of large to small values on, an axis is logarithmic."""

ACCURACIES = (10, 50, 80, 90, 95, 98, 99)
"""Where the axis of accuracy has a label."""


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """One score of every network.

    Args:
        name: Name of the score.
        unit: Of the score.
        better: Its direction.
        values: One value a network; None where it has none.
        tau: Rank correlation with each accuracy, by the accuracy's name.
    """

    name: str
    unit: str
    better: str
    values: Sequence[float | None]
    tau: Mapping[str, float | None]

    @property
    def figure(self) -> dict[str, Any]:
        """Score against accuracy; the script adds what all of these charts share.

        The axis of accuracy is that of the error, logarithmic and turned: it gives the good
        networks, which are close to each other, the room.
        """
        log = _spans_magnitudes([value for value in self.values if value is not None])
        figure = go.Figure(
            go.Scatter(
                x=list(self.values),
                mode="markers",
                marker={"size": 6, "opacity": 0.75, "colorscale": SCALE, "line": {"width": 0}},
                hovertemplate="%{text}<br>score %{x:.5g}<br>accuracy %{customdata:.2f} %"
                "<extra></extra>",
            )
        )
        figure.update_layout(_layout(height=260))
        figure.update_xaxes(
            title={"text": f"{self.unit}{', log scale' if log else ''}", "standoff": 6},
            type="log" if log else "linear",
            nticks=5,
        )
        if log:
            figure.update_xaxes(dtick=1, nticks=0)
        figure.update_yaxes(
            title={"text": "accuracy (%), log of error", "standoff": 6},
            type="log",
            autorange="reversed",
            tickvals=[100 - accuracy for accuracy in ACCURACIES],
            ticktext=[str(accuracy) for accuracy in ACCURACIES],
        )
        return _plain(figure)


def _spans_magnitudes(values: Sequence[float]) -> bool:
    """Whether all but the outermost twentieths of the values are far apart in ratio."""
    ordered = sorted(values)
    cut = len(ordered) // 20
    return bool(ordered) and ordered[0] > 0 and ordered[-1 - cut] > WIDE_RANGE * ordered[cut]


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A value with its interval, in a row of its own.

    Args:
        name: Name of the row.
        value: Where the dot is.
        interval: Ends of the line through it.
        reference: Whether it is something to compare the others with.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    reference: bool = False


def dot_figure(dots: Sequence[Dot], label: str) -> dict[str, Any]:
    """Dots with intervals below each other, the highest value on top."""
    ordered = sorted(dots, key=lambda dot: dot.value)
    figure = go.Figure()
    for reference, symbol in ((False, "circle"), (True, "diamond")):  # coloured by the script
        own = [dot for dot in ordered if dot.reference is reference]
        ends = [dot.interval or (dot.value, dot.value) for dot in own]
        figure.add_scatter(
            x=[dot.value for dot in own],
            y=[dot.name for dot in own],
            mode="markers",
            name="to compare with" if reference else "scores",
            marker={"size": 9, "symbol": symbol},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - dot.value for dot, (_, high) in zip(own, ends, strict=True)],
                "arrayminus": [dot.value - low for dot, (low, _) in zip(own, ends, strict=True)],
                "thickness": 1.5,
                "width": 0,
            },
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    figure.update_layout(_layout(height=90 + 22 * len(ordered)))
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0}
    )
    figure.update_xaxes(title={"text": label, "standoff": 6}, zeroline=True, nticks=6)
    names = [dot.name for dot in ordered]
    figure.update_yaxes(categoryorder="array", categoryarray=names, automargin=True, ticksuffix=" ")
    return _plain(figure)


def _layout(height: int) -> dict[str, Any]:
    return {
        "template": "none",
        "height": height,
        "margin": {"l": 52, "r": 12, "t": 8, "b": 46},
        "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12},
        "hoverlabel": {"align": "left"},
    }


def _plain(figure: go.Figure) -> dict[str, Any]:
    """The figure as JSON has it."""
    plain: dict[str, Any] = json.loads(figure.to_json())
    return plain


def finite(values: Sequence[float]) -> list[float | None]:
    """Values as JSON has them: None for what is no number."""
    return [float(value) if math.isfinite(value) else None for value in values]
