"""What all charts have in common: data for plotly, drawn in the colours of the reader's theme."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

Figure = dict[str, Any]
"""A figure as plotly's script takes it: `data` and `layout`."""

DIGITS = 6
"""Significant digits of a coordinate: more cannot be seen, and would swell the page."""


def layout(height: int, **own: object) -> dict[str, object]:
    """The layout of a chart: what all have in common, and its own."""
    return {
        "height": height,
        "margin": {"l": 52, "r": 12, "t": 8, "b": 56},
        "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12},
        "hoverlabel": {"align": "left"},
        **own,
    }


def title(text: str) -> dict[str, object]:
    """The title of an axis."""
    return {"text": text, "standoff": 6}


def finite(values: Iterable[float | None]) -> list[float | None]:
    """Values as JSON has them: None for what is no number, and no digit that nobody can see."""
    return [
        None if value is None or not math.isfinite(value) else float(f"{value:.{DIGITS}g}")
        for value in values
    ]
