"""One HTML file that holds everything it shows, plotly's script included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

from plotly.offline import get_plotlyjs

from gradalign.report._figure import finite
from gradalign.report._sections import facts_html, paragraphs, part_html
from gradalign.report.findings import Findings, findings_html
from gradalign.report.part import Part
from gradalign.report.section import Section
from gradalign.report.view import View


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page shows, from top to bottom.

    Args:
        title: Its title.
        lead: Paragraphs of text.
        parts: Pools of networks; the reader chooses one view of one part at a time.
        sections: What stands below the parts, whichever is chosen.
        findings: What is said of sections, at the top; what is said of parts stands in their views.
        facts: Names and values at the end: versions.
    """

    title: str
    lead: Sequence[str]
    parts: Sequence[Part] = ()
    sections: Sequence[Section] = ()
    findings: Sequence[Findings] = ()
    facts: Sequence[tuple[str, str]]


def render(page: Page) -> str:
    """The page as the text of one HTML file."""
    findings = findings_html(page.parts, page.findings)
    return Template(_asset("page.html")).substitute(
        title=escape(page.title),
        style=_asset("style.css"),
        lead=paragraphs(page.lead),
        contents=_contents(page, findings),
        chooser=_chooser(page.parts),
        findings=findings,
        parts="".join(map(part_html, page.parts)),
        sections="".join(section.to_html() for section in page.sections),
        facts=facts_html(page.facts),
        data=_embedded(
            {
                "parts": [_part_data(part) for part in page.parts],
                "charts": [chart for section in page.sections for chart in section.charts],
            }
        ),
        plotly=get_plotlyjs(),
        script=_asset("script.js"),
    )


def _contents(page: Page, findings: str) -> str:
    """Links to what the page holds, where it holds several things."""
    own = [(section.anchor, section.title) for section in page.sections if section.anchor]
    if not own:
        return ""
    first = [("findings", "What the numbers say")] if findings else []
    parts = [("scores", "Scores")] if page.parts else []
    links = "".join(
        f'<li><a href="#{escape(anchor)}">{escape(title)}</a></li>'
        for anchor, title in (*first, *parts, *own)
    )
    return f'<nav class="contents" aria-label="On this page"><ul>{links}</ul></nav>'


def _chooser(parts: Sequence[Part]) -> str:
    """The choice among all views, in groups where there are several parts."""
    groups = [
        "".join(
            f'<option value="{place} {number}">{escape(view.name)}</option>'
            for number, view in enumerate(part.views)
        )
        for place, part in enumerate(parts)
    ]
    if len(parts) > 1:
        groups = [
            f'<optgroup label="{escape(part.name)}">{group}</optgroup>'
            for part, group in zip(parts, groups, strict=True)
        ]
    only = sum(len(part.views) for part in parts) <= 1
    hidden = " hidden" if only else ""
    return (
        f'<label class="chooser"{hidden}>Show <select id="view">{"".join(groups)}</select></label>'
    )


def _part_data(part: Part) -> dict[str, object]:
    return {
        "networks": list(part.networks),
        "colour": None if part.colour is None else finite(part.colour[0]),
        "scatters": [
            {"figure": each.figure, "tau": [each.tau.get(view.name) for view in part.views]}
            for each in part.scatters
        ],
        "views": [_view_data(view) for view in part.views],
    }


def _view_data(view: View) -> dict[str, object]:
    accuracies = view.accuracies
    return {
        "dots": view.dot_figure,
        "curves": view.curve_figure,
        "accuracies": None if accuracies is None else finite(accuracies.values),
        "ofErrors": accuracies is not None and accuracies.of_errors,
        "percent": accuracies is not None and accuracies.percent,
        "axis": None if accuracies is None else accuracies.layout,
    }


def _embedded(data: object) -> str:
    """JSON that can stand in a script element: no `</script>` can occur in it."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _asset(name: str) -> str:
    return (files("gradalign.report") / name).read_text(encoding="utf-8")
