"""Lines over the number of networks drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gradalign.report._figure import Figure, finite, layout, title

Role = Literal["score", "size", "training", "oracle", "random"]

DASHES: Mapping[Role, str] = {
    "score": "solid",
    "size": "6px,4px",
    "training": "8px,3px,2px,3px",
    "oracle": "12px,4px",
    "random": "2px,3px",
}
"""How the lines of each role are dashed, so that they are told apart without colour too."""

TICKS = [step * 10**power for power in range(7) for step in (1, 2, 5)]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line.

    Args:
        name: Its name in the legend.
        role: What it is among the others.
        x: Numbers of networks drawn.
        y: Expected accuracy for each of them.
    """

    name: str
    role: Role
    x: Sequence[int]
    y: Sequence[float]


def curve_figure(curves: Sequence[Curve], label: str) -> Figure:
    """The curves over a logarithmic axis; the script colours them by their place.

    Args:
        curves: The lines, in the order of the legend.
        label: Of the axis of accuracy, with its unit.
    """
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": curve.name,
            "meta": curve.role,
            "x": list(curve.x),
            "y": finite(curve.y),
            "line": {"width": 2, "dash": DASHES[curve.role]},
            "hovertemplate": "%{y:.2f}",
        }
        for curve in curves
    ]
    own = layout(
        380,
        hovermode="x unified",
        xaxis={
            "title": title("networks drawn, log scale"),
            "type": "log",
            "tickvals": TICKS,
            "ticktext": [f"{tick:,}" for tick in TICKS],
        },
        yaxis={"title": title(label), "nticks": 8},
    )
    return {"data": traces, "layout": own}
