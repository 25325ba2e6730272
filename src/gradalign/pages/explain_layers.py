"""Layers of an explanation, as sections of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gradalign.explanation import Explanation, LayerFigures
from gradalign.explanation.summary import NOISE
from gradalign.pages.cells import added, cosine, figure, percent, words
from gradalign.pages.kinds import unit_of
from gradalign.pages.spread import number
from gradalign.report import Cell, Column, Picture, Section, SortableTable
from gradalign.report._figure import Figure, finite
from gradalign.report.scatter import spans_magnitudes
from gradalign.report.series import chart, series

PLACE = "place in forward order"

FEW = 12
"""Layers up to which each has its own mark on the axis."""


def layer_sections(own: Explanation) -> Iterator[Section]:
    """Conflict by depth, and what each layer adds to each score."""
    if not own.layers:
        return
    yield Section(
        title="Conflict by depth",
        text=[
            "Two samples oppose each other in a layer where the inner product of their gradients "
            "is negative. `from here to the output` takes the layer and all after it together."
        ],
        pictures=_depth(own.layers) if any(row.live for row in own.layers) else [],
        table=_layer_table(own.layers),
        notes=[
            "directions: effective number of gradient directions, at most one a sample. "
            "opposed, left out: conflict of the network less that without the layer; these "
            "differences do not add up.",
        ],
    )
    scores = _contributed(own)
    if scores:
        yield Section(
            title="What each layer adds to each score",
            text=["These do add up: the layers, and what belongs to none, make the score."],
            pictures=[_contribution_picture(own, name) for name in scores],
            table=_contribution_table(own, scores),
            notes=_contribution_notes(own),
        )


def along(
    rows: Sequence[LayerFigures],
    values: Sequence[float | None],
    name: str,
    place: int,
    *,
    said: str,
    x: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Values of layers as a line in forward order.

    Args:
        rows: The layers.
        values: One a layer; the line is broken where there is none.
        name: In the legend.
        place: Colour, dash and symbol.
        said: What the values are, shown under the pointer.
        x: Where the layers stand; None: by their place in forward order.
    """
    trace = series(
        name,
        [row.position for row in rows] if x is None else finite(x),
        finite(values),
        place,
        lines=True,
        text=[row.name for row in rows],
    )
    trace["marker"]["size"] = 6
    return {**trace, "hovertemplate": f"%{{text}}<br>{said} %{{y:.3f}}<extra></extra>"}


def _depth(rows: Sequence[LayerFigures]) -> list[Picture]:
    own, further = (
        [None if value is None else 100 * value for value in values]
        for values in (
            [row.conflict_fraction for row in rows],
            [row.conflict_from_here for row in rows],
        )
    )
    return [
        Picture(
            caption="Share of opposed pairs of samples; a gap: no gradient.",
            figure=chart(
                [
                    along(rows, own, "in the layer", 0, said="opposed, %:"),
                    along(rows, further, "from here to the output", 1, said="opposed, %:"),
                ],
                PLACE,
                "opposed pairs (%)",
                x_axis=_places(rows),
                y_axis={"rangemode": "tozero"},
            ),
        ),
        Picture(
            caption="Mean cosine of the gradients of two samples in the layer.",
            figure=chart(
                [along(rows, [row.mean_cosine for row in rows], "mean cosine", 0, said="cosine")],
                PLACE,
                "mean cosine",
                x_axis=_places(rows),
                y_axis={"rangemode": "tozero", "zeroline": True},
            ),
        ),
    ]


def _places(rows: Sequence[LayerFigures]) -> dict[str, object]:
    """The axis of places: whole numbers only."""
    return {"dtick": 1} if len(rows) <= FEW else {}


def _layer_table(rows: Sequence[LayerFigures]) -> SortableTable:
    return SortableTable(
        columns=[
            Column(title="layer", numeric=False),
            Column(title="place", meaning="In forward order, from 1"),
            Column(title="shape", numeric=False),
            Column(title="weights"),
            Column(title="multiply-adds", meaning="Of one sample"),
            Column(title="opposed", meaning="Share of pairs with a negative inner product"),
            Column(title="mean cosine", meaning="Over the pairs of samples"),
            Column(title="directions", meaning="Effective number of gradient directions"),
            Column(title="gradient", meaning="Share of the summed squared gradient norms"),
            Column(title="opposed, to the output", meaning="From this layer on, together"),
            Column(title="opposed, left out", meaning="Leave-one-out difference"),
        ],
        rows=[
            [
                words(row.name, detail="" if row.live else f"dead: {row.fault}"),
                figure(row.position),
                words(" x ".join(map(str, row.shape)) or "shared"),
                figure(row.size),
                figure(row.macs),
                percent(row.conflict_fraction),
                cosine(row.mean_cosine),
                figure(row.directions, 3),
                percent(row.gradient_share),
                percent(row.conflict_from_here),
                _points(row.conflict_added),
            ]
            for row in rows
        ],
    )


def _points(value: float | None) -> Cell:
    """A difference of shares, in percentage points."""
    return Cell(text="-" if value is None else f"{100 * value:+.2f} pp", key=value)


def _contributed(own: Explanation) -> list[str]:
    """Scores that are sums over layers to which the layers do not all add the same."""
    found = []
    for record in own.scores.records:
        values = [row.contributions.get(record.proxy) for row in own.layers]
        if len({value for value in values if value is not None}) > 1:
            found.append(record.proxy)
    return found


def _contribution_picture(own: Explanation, score: str) -> Picture:
    whole = own.scores[score].value
    total = "" if whole is None else f", {number(whole)} in all"
    return Picture(caption=f"{score}{total}.", figure=_contributions(own, score))


def _contributions(own: Explanation, score: str) -> Figure:
    """Bars; points on a logarithmic axis, which has no zero, where layers differ in magnitude."""
    held = [row for row in own.layers if score in row.contributions]
    values = [row.contributions[score] for row in held]
    whole = own.scores[score].value or 0.0
    shares = [f"{value / whole:.1%}" if whole else "-" for value in values]
    log = spans_magnitudes(values)
    trace = series(
        score,
        [row.position for row in held],
        finite(values),
        0,
        text=[
            f"{row.name}<br>{share} of the score" for row, share in zip(held, shares, strict=True)
        ],
    )
    if not log:
        trace = {name: trace[name] for name in ("x", "y", "text", "meta")} | {"type": "bar"}
    trace |= {"textposition": "none"} if not log else {}
    trace["hovertemplate"] = "%{text}<br>%{y:.4g}<extra></extra>"
    unit = unit_of(score) or "part of the score"
    return chart(
        [trace],
        PLACE,
        f"{unit}, log scale" if log else unit,
        height=260,
        x_axis=_places(own.layers),
        y_axis={"type": "log", "dtick": 1} if log else {},
    )


def _contribution_table(own: Explanation, scores: Sequence[str]) -> SortableTable:
    return SortableTable(
        columns=[
            Column(title="layer", numeric=False),
            *(Column(title=score, meaning=unit_of(score)) for score in scores),
        ],
        rows=[
            [words(row.name), *(_part(own, row, score) for score in scores)] for row in own.layers
        ],
    )


def _part(own: Explanation, row: LayerFigures, score: str) -> Cell:
    value, whole = row.contributions.get(score), own.scores[score].value
    cell = figure(value)
    detail = f"{value / whole:.1%}" if value is not None and whole else ""
    return Cell(text=cell.text, key=cell.key, detail=detail)


def _contribution_notes(own: Explanation) -> list[str]:
    outside = [
        f"{name} {added(value).text}"
        for name, value in own.rest.items()
        if abs(value) > NOISE * abs(own.scores[name].value or 0.0)
    ]
    notes = [f"In no layer: {', '.join(outside)}."] if outside else []
    without = [
        record.proxy
        for record in own.scores.records
        if record.status == "ok"
        and not any(record.proxy in row.contributions for row in own.layers)
    ]
    return [*notes, *([f"No sums over layers: {', '.join(without)}."] if without else [])]
