"""What the numbers of a page say, in sentences at its top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gradalign.report.part import Part
from gradalign.report.section import marked

AT_ONCE = 3
"""Sentences that are shown of what has a section of its own; the others unfold."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What is said about one thing.

    Args:
        about: What it is.
        sentences: What is said, most important first.
        anchor: Of the section that shows it.
    """

    about: str
    sentences: Sequence[str]
    anchor: str

    def to_html(self) -> str:
        """A heading that leads to the section, and a list."""
        title = f'<h3><a href="#{escape(self.anchor)}">{escape(self.about)}</a></h3>'
        shown = _listed(self.sentences[:AT_ONCE])
        rest = self.sentences[AT_ONCE:]
        if not rest:
            return f"{title}{shown}"
        summary = f"<summary>{len(rest)} more about it</summary>"
        return f"{title}{shown}<details>{summary}{_listed(rest)}</details>"


def findings_html(parts: Sequence[Part], others: Sequence[Findings]) -> str:
    """All that is said; of the views, the script shows the one that is chosen."""
    views = [
        f'<div data-view="{place} {number}" hidden>{_listed(view.findings)}</div>'
        for place, part in enumerate(parts)
        for number, view in enumerate(part.views)
        if view.findings
    ]
    said = "".join([*views, *(each.to_html() for each in others)])
    heading = "<h2>What the numbers say</h2>"
    return f'<section class="findings" id="findings">{heading}{said}</section>' if said else ""


def _listed(sentences: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{marked(each)}</li>' for each in sentences)}</ul>"
