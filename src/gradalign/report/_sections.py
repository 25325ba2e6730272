"""The HTML of parts and views; what it leaves empty, the script draws."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from gradalign.report.part import Part
from gradalign.report.scatter import Scatter
from gradalign.report.view import Highlight, View

SORT = '<p class="hint">Click the name of a column to sort by it.</p>'

LEGEND = '<p class="legend"><span>-1: opposite</span><i></i><span>1: the same</span></p>'


def part_html(part: Part) -> str:
    """The sections of one part; the script shows one part, and one view of it."""
    views = "".join(map(_view_html, part.views))
    return (
        f'<div class="part" hidden>{views}{_scatters(part)}{_agreement(part)}{_failures(part)}'
        f"<section><h2>How it was measured</h2><dl>{facts_html(part.facts)}</dl></section></div>"
    )


def paragraphs(texts: Sequence[str]) -> str:
    """A `<p>` for each text."""
    return "".join(f"<p>{escape(text)}</p>" for text in texts)


def facts_html(facts: Sequence[tuple[str, str]]) -> str:
    """Terms and descriptions."""
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)


def _view_html(view: View) -> str:
    dots = (
        "<section><h2>How well each score orders the networks</h2>"
        '<p class="hint">The lines are 95 % intervals.</p>'
        '<div class="chart dots"></div></section>'
    )
    curves = (
        "<section><h2>What a search would find</h2>"
        '<p class="hint">Draw some networks, keep the one that the score likes best: its expected '
        "accuracy, exact over all draws.</p>"
        '<div class="key"></div><div class="chart curves"></div></section>'
    )
    return (
        f'<div class="view" hidden><div class="highlights">'
        f"{''.join(map(_highlight, view.highlights))}</div>{dots if view.dots else ''}"
        f'<section><h2>All figures</h2>{SORT}<div class="scroll">{view.table.to_html()}</div>'
        f'<div class="notes">{paragraphs(view.notes)}</div></section>'
        f"{curves if view.curves else ''}</div>"
    )


def _scatters(part: Part) -> str:
    if not part.scatters:
        return ""
    colour = f"; its colour says {escape(part.colour[1])}" if part.colour else ""
    return (
        '<section><h2 class="scatters"></h2>'
        f'<p class="hint">Every point is a network{colour}. {escape(part.points)}</p>'
        f'<div class="cards">{"".join(map(_card, part.scatters))}</div></section>'
    )


def _agreement(part: Part) -> str:
    if part.agreement is None:
        return ""
    return (
        "<section><h2>How much the scores agree</h2>"
        f'<p class="hint">{escape(part.agreement_note)}</p>{LEGEND}'
        f'<div class="scroll fit">{part.agreement.to_html()}</div></section>'
    )


def _failures(part: Part) -> str:
    table = "" if part.failures is None else f'<div class="scroll">{part.failures.to_html()}</div>'
    note = paragraphs([part.failures_note])
    return f'<section class="failures"><h2>What could not be measured</h2>{note}{table}</section>'


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
