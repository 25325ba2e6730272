"""Values with their intervals in rows whose names are long: each above its own value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gradalign.report._figure import Figure, layout, title
from gradalign.report.series import Interval, series

ROW = 38
"""Height of a row, in pixels."""

LONGEST = 46
"""Characters of a name for which a narrow page has room; all of it shows under the pointer."""


def rows_figure(
    names: Sequence[str],
    values: Sequence[float],
    intervals: Sequence[Interval],
    kinds: Sequence[str],
    among: Mapping[str, int],
    label: str,
) -> Figure:
    """Dots with intervals below each other, the first on top, and a line at 0.

    Args:
        names: Of the rows; several may be called alike.
        values: Where the dots are.
        intervals: Ends of the lines through them; None where there is none.
        kinds: Which of several kinds each row is, told by colour and symbol.
        among: All kinds in the order of the legend, each with its place in the page's palette;
            those without a row are left out of the legend.
        label: Of the axis, with its unit; a `<br>` begins a second line, for which there is room.
    """
    traces: list[dict[str, Any]] = []
    for place, (kind, colour) in enumerate(among.items()):
        own = [k for k, other in enumerate(kinds) if other == kind]
        if not own:
            continue
        trace = series(
            kind,
            [values[k] for k in own],
            own,
            place,
            text=[names[k] for k in own],
            across=[intervals[k] for k in own],
        )
        hover = "%{text}<br>%{x:.4g}<extra></extra>"
        traces.append({**trace, "meta": colour, "hovertemplate": hover})
    around = layout(
        120 + ROW * len(names),
        margin={"l": 12, "r": 12, "t": 8, "b": 64},
        showlegend=True,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        xaxis={"title": title(label), "nticks": 6, "zeroline": True, "zerolinewidth": 2},
        yaxis={"range": [len(names) - 0.5, -0.9], "visible": False},
        annotations=[_name(name, k) for k, name in enumerate(names)],
    )
    return {"data": traces, "layout": around}


def _name(name: str, row: int) -> dict[str, object]:
    short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return {
        "text": short.replace("<", "&lt;"),
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "yref": "y",
        "y": row,
        "yshift": 12,
        "showarrow": False,
    }
