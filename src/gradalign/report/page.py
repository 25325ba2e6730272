"""One HTML file that holds everything it shows, plotly's script included."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

from plotly.offline import get_plotlyjs

from gradalign.report.chart import Dot, Scatter, dot_figure
from gradalign.report.table import SortableTable


@dataclass(frozen=True, kw_only=True)
class Highlight:
    """A figure at the top of the page.

    Args:
        value: The number.
        label: What it is.
        detail: More about it, smaller.
    """

    value: str
    label: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page shows, from top to bottom.

    Args:
        title: Its title.
        lead: Paragraphs of text.
        highlights: The figures to see first.
        dots: Scores with intervals.
        dots_label: Axis of the dots, with the unit.
        table: All figures.
        table_notes: Paragraphs under the table.
        scatters: A chart of each score against accuracy.
        accuracies: Accuracy of every network in percent, by the name of the data set.
        networks: Name of every network.
        colour: One value a network that colours its point, and what it is.
        facts: Names and values at the end: versions, conditions.
    """

    title: str
    lead: Sequence[str]
    highlights: Sequence[Highlight]
    dots: Sequence[Dot]
    dots_label: str
    table: SortableTable
    table_notes: Sequence[str]
    scatters: Sequence[Scatter]
    accuracies: Mapping[str, Sequence[float | None]]
    networks: Sequence[str]
    colour: tuple[Sequence[float | None], str]
    facts: Sequence[tuple[str, str]]


def render(page: Page) -> str:
    """The page as the text of one HTML file."""
    return Template(_asset("page.html")).substitute(
        title=escape(page.title),
        style=_asset("style.css"),
        lead=_paragraphs(page.lead),
        highlights="".join(map(_highlight, page.highlights)),
        table=page.table.to_html(),
        table_notes=_paragraphs(page.table_notes),
        colour=escape(page.colour[1]),
        choices="".join(f"<option>{escape(name)}</option>" for name in page.accuracies),
        cards="".join(map(_card, page.scatters)),
        facts="".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in page.facts),
        data=_embedded(_data(page)),
        plotly=get_plotlyjs(),
        script=_asset("script.js"),
    )


def _data(page: Page) -> dict[str, object]:
    return {
        "dots": dot_figure(page.dots, page.dots_label),
        "scatters": [{"figure": each.figure, "tau": dict(each.tau)} for each in page.scatters],
        "accuracies": {name: list(values) for name, values in page.accuracies.items()},
        "networks": list(page.networks),
        "colour": list(page.colour[0]),
    }


def _embedded(data: object) -> str:
    """JSON that can stand in a script element: no `</script>` can occur in it."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _asset(name: str) -> str:
    return (files("gradalign.report") / name).read_text(encoding="utf-8")


def _paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts)


def _highlight(each: Highlight) -> str:
    return (
        f'<div class="highlight"><b>{escape(each.value)}</b><span>{escape(each.label)}</span>'
        f"<small>{escape(each.detail)}</small></div>"
    )


def _card(scatter: Scatter) -> str:
    better = "better &rarr;" if scatter.better == "higher" else "&larr; better"
    return (
        f'<figure class="card"><figcaption><b>{escape(scatter.name)}</b> '
        f'<span class="tau"></span><small>{better}</small></figcaption>'
        '<div class="chart"></div></figure>'
    )
