"""Values with their intervals, below each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradalign.report._figure import Figure, layout, title


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


def dot_figure(dots: Sequence[Dot], label: str) -> Figure:
    """Dots with intervals below each other, the highest value on top."""
    ordered = sorted(dots, key=lambda dot: dot.value)
    traces = [
        _trace([dot for dot in ordered if dot.reference is reference], name, symbol)
        for reference, name, symbol in (
            (False, "scores", "circle"),
            (True, "to compare with", "diamond"),
        )
    ]
    own = layout(
        90 + 22 * len(ordered),
        showlegend=True,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        xaxis={"title": title(label), "zeroline": True, "nticks": 6},
        yaxis={
            "categoryorder": "array",
            "categoryarray": [dot.name for dot in ordered],
            "automargin": True,
            "ticksuffix": " ",
        },
    )
    return {"data": traces, "layout": own}


def _trace(dots: Sequence[Dot], name: str, symbol: str) -> dict[str, object]:
    """Dots of one colour, which the script gives them."""
    ends = [dot.interval or (dot.value, dot.value) for dot in dots]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [dot.value for dot in dots],
        "y": [dot.name for dot in dots],
        "marker": {"size": 9, "symbol": symbol},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - dot.value for dot, (_, high) in zip(dots, ends, strict=True)],
            "arrayminus": [dot.value - low for dot, (low, _) in zip(dots, ends, strict=True)],
            "thickness": 1.5,
            "width": 0,
        },
        "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }
