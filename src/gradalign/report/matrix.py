"""A square of cosines as an image, for more things than a table of them could hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradalign.report._figure import Figure, layout

DECIMALS = 4
"""Of a value in the page."""

CLOSEST = 1 / 22
"""Least distance of two labels of an axis, as a share of it."""

_OFF = 0.02
"""How far a label is from the middle of its group: in the very middle it would also be what the
pointer says of the thing there."""


@dataclass(frozen=True)
class Group:
    """Neighbours on both axes that belong together.

    Args:
        label: What they are.
        size: How many.
    """

    label: str
    size: int


def matrix_figure(
    values: Sequence[Sequence[float | None]],
    names: Sequence[str],
    thing: str,
    *,
    axis: str = "",
    groups: Sequence[Group] = (),
    said: str = "cosine",
    numbers: bool = False,
) -> Figure:
    """Values from -1 to 1 between any two of several things, coloured by the script.

    Args:
        values: [names, names]; None where there is none.
        names: What the things are, each once: shown where the pointer rests on a value.
        thing: What each of them is.
        axis: What both axes hold; empty: `thing`.
        groups: Of the things in their order: lines between them, their labels on the axes; without
            any, the names are the labels.
        said: What the values are.
        numbers: Whether they are written into the cells too.
    """
    trace: dict[str, object] = {
        "type": "heatmap",
        "x": list(names),
        "y": list(names),
        "z": [[None if v is None else round(v, DECIMALS) for v in row] for row in values],
        "zmin": -1,
        "zmax": 1,
        "colorbar": {
            "title": {"text": said, "side": "top"},
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "thickness": 10,
            "outlinewidth": 0,
            "tickvals": [-1, -0.5, 0, 0.5, 1],
        },
        "hovertemplate": (f"{thing} %{{y}}<br>{thing} %{{x}}<br>{said} %{{z:.3f}}<extra></extra>"),
    }
    if numbers:
        trace["texttemplate"] = "%{z:.2f}"
    both = {
        "title": {"text": axis or thing},
        "type": "category",
        "showgrid": False,
        **_ticks(groups or [Group(name, 1) for name in names]),
    }
    own = layout(
        620,
        margin={"l": 56, "r": 12, "t": 8, "b": 56},
        xaxis={**both, "constrain": "domain", "constraintoward": "left"},
        yaxis={
            **both,
            "autorange": "reversed",
            "scaleanchor": "x",
            "constrain": "domain",
            "constraintoward": "top",
        },
        shapes=_lines(groups, len(names)),
    )
    return {"data": [trace], "layout": own}


def _ticks(groups: Sequence[Group]) -> dict[str, object]:
    """The labels of the groups, those left out for which there is no room."""
    places, texts, last = [], [], -1.0
    total = sum(group.size for group in groups)
    start = 0
    for group in groups:
        middle = start + (group.size - 1) / 2
        start += group.size
        if last < 0 or middle - last >= CLOSEST * total:
            places.append(middle + _OFF)
            texts.append(group.label)
            last = middle
    return {"tickmode": "array", "tickvals": places, "ticktext": texts}


def _lines(groups: Sequence[Group], size: int) -> list[dict[str, object]]:
    """Lines between the groups, across and along."""
    lines: list[dict[str, object]] = []
    edge = -0.5
    for group in groups[:-1]:
        edge += group.size
        ends = {"type": "line", "layer": "above"}
        lines.append({**ends, "x0": edge, "x1": edge, "y0": -0.5, "y1": size - 0.5})
        lines.append({**ends, "x0": -0.5, "x1": size - 0.5, "y0": edge, "y1": edge})
    return lines
