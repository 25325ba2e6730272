"""Regions as an inline picture, in the colours of the page's theme."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

Numbers = Mapping[str, Any]

SIDE = 400
"""Units of the picture's square."""

MARGIN = 8

COLOURS = ("accent", "contrast", "alike")
"""Variables of the style sheet for the labels that are told apart; all others are `quiet`."""

SHADES = (0.16, 0.28, 0.4, 0.52)
"""Opacities, taken in turn by a hash, so that most neighbours differ."""


def regions_svg(state: Numbers, marks: Sequence[Numbers], labels: Sequence[int], what: str) -> str:
    """An `<svg>` of the cells of a square, coloured by what the network says there.

    Args:
        state: `cells` with `corners` in coordinates of the square and a `label`.
        marks: Samples `at` places of the square, with their `label`.
        labels: Those that have a colour of their own, in its order.
        what: What it shows, for who cannot see it.
    """
    cells = "".join(_cell(cell, labels) for cell in state["cells"])
    dots = "".join(_mark(mark, labels) for mark in marks)
    low, whole = -MARGIN, SIDE + 2 * MARGIN
    return (
        f'<svg viewBox="{low} {low} {whole} {whole}" role="img" aria-label="{what}" '
        f'style="width:100%;max-width:{SIDE}px;display:block;margin:0 auto">'
        f'<g stroke="var(--ink)" stroke-opacity="0.55" stroke-width="0.5">{cells}</g>{dots}</svg>'
    )


def _cell(cell: Numbers, labels: Sequence[int]) -> str:
    points = " ".join(f"{SIDE * x:.4g},{SIDE * (1 - y):.4g}" for x, y in cell["corners"])
    shade = SHADES[zlib.crc32(points.encode()) % len(SHADES)]
    fill = f'fill="var(--{_colour(cell["label"], labels)})" fill-opacity="{shade}"'
    return f'<polygon points="{points}" {fill}/>'


def _mark(mark: Numbers, labels: Sequence[int]) -> str:
    """A sample: round, square or a diamond, by its label."""
    x, y = SIDE * mark["at"][0], SIDE * (1 - mark["at"][1])
    place = labels.index(mark["label"]) if mark["label"] in labels else len(labels)
    radius, turn = (4, 0) if place == 0 else (0, 45 * (place - 1))
    colour = _colour(mark["label"], labels)
    return (
        f'<rect x="{x - 4:.4g}" y="{y - 4:.4g}" width="8" height="8" rx="{radius}" '
        f'transform="rotate({turn} {x:.4g} {y:.4g})" fill="var(--{colour})" '
        'stroke="var(--raised)" stroke-width="1.5"/>'
    )


def _colour(label: int, labels: Sequence[int]) -> str:
    place = labels.index(label) if label in labels else len(COLOURS)
    return COLOURS[place] if place < len(COLOURS) else "quiet"
