"""Charts of several series, told apart by colour, dash and symbol alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradalign.report._figure import Figure, layout, title

Interval = Sequence[float] | None

DASHES = ("solid", "6px,4px", "2px,3px", "8px,3px,2px,3px", "12px,4px")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "pentagon")


def series(
    name: str,
    x: Sequence[object],
    y: Sequence[object],
    place: int,
    *,
    lines: bool = False,
    points: bool = True,
    text: Sequence[str] | None = None,
    across: Sequence[Interval] | None = None,
    along: Sequence[Interval] | None = None,
) -> dict[str, Any]:
    """One series of a chart.

    Args:
        name: In the legend.
        x: Coordinates.
        y: As many.
        place: Among the series of the chart: colour, dash and symbol.
        lines: Whether the points are joined.
        points: Whether they are marked.
        text: What each point is, shown where the pointer rests on it.
        across: 95 % intervals of x; None where there is none.
        along: The same of y.
    """
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "+".join(kind for kind, has in (("lines", lines), ("markers", points)) if has),
        "name": name,
        "x": list(x),
        "y": list(y),
        "meta": place,
        "marker": {"size": 8, "symbol": SYMBOLS[place % len(SYMBOLS)]},
        "line": {"width": 2, "dash": DASHES[place % len(DASHES)]},
    }
    if text is not None:
        trace["text"] = list(text)
    if across is not None:
        trace["error_x"] = _bars(x, across)
    if along is not None:
        trace["error_y"] = _bars(y, along)
    return trace


def _bars(values: Sequence[Any], intervals: Sequence[Interval]) -> dict[str, object]:
    ends = [
        (0.0, 0.0) if value is None or ci is None else (ci[1] - value, value - ci[0])
        for value, ci in zip(values, intervals, strict=True)
    ]
    return {
        "type": "data",
        "symmetric": False,
        "array": [above for above, _ in ends],
        "arrayminus": [below for _, below in ends],
        "thickness": 1.5,
        "width": 0,
    }


def chart(
    traces: Sequence[dict[str, Any]],
    x: str,
    y: str,
    *,
    height: int = 320,
    x_axis: dict[str, object] | None = None,
    y_axis: dict[str, object] | None = None,
) -> Figure:
    """A chart of some series, with a legend above it.

    Args:
        traces: From `series`.
        x: What the horizontal axis shows, with its unit.
        y: What the vertical axis shows.
        height: In pixels.
        x_axis: More about an axis, as plotly has it.
        y_axis: The same.
    """
    own = layout(
        height,
        margin={"l": 58, "r": 12, "t": 8, "b": 66},
        showlegend=len(traces) > 1,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        xaxis={"title": title(x), "nticks": 6, **(x_axis or {})},
        yaxis={"title": title(y), "nticks": 6, **(y_axis or {})},
    )
    return {"data": [*traces], "layout": own}
