"""A piece of a page that is about something else than a pool of networks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gradalign.report._figure import Figure
from gradalign.report.table import SortableTable


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture with what it shows written above it.

    Args:
        caption: What it shows, in a sentence.
        figure: A chart as plotly takes it, drawn by the script in the reader's theme; or an `<svg>`
            element, which colours itself by the classes of the style sheet.
        wide: Whether it takes the whole width of the page.
    """

    caption: str
    figure: Figure | str
    wide: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, and what stands under it.

    Args:
        title: The heading.
        text: Paragraphs.
        pictures: Beside each other where there is room.
        table: All figures.
        notes: Paragraphs under the table, smaller.
        anchor: By which the table of contents leads to it; empty: it does not.
        level: Of the heading: 2, or 3 for what belongs to the section before.
    """

    title: str
    text: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    table: SortableTable | None = None
    notes: Sequence[str] = ()
    anchor: str = ""
    level: int = 2

    @property
    def charts(self) -> list[Figure]:
        """The figures that the script draws, in their order."""
        return [each.figure for each in self.pictures if not isinstance(each.figure, str)]

    def to_html(self) -> str:
        """The `<section>` element; what it leaves empty, the script draws."""
        heading = f"<h{self.level}>{escape(self.title)}</h{self.level}>"
        inside = [heading, _paragraphs(self.text)]
        if self.pictures:
            inside += ['<div class="pictures">', *map(_picture, self.pictures), "</div>"]
        if self.table is not None:
            inside.append(f'<div class="scroll">{self.table.to_html()}</div>')
        if self.notes:
            inside.append(f'<div class="notes">{_paragraphs(self.notes)}</div>')
        name = f' id="{escape(self.anchor)}"' if self.anchor else ""
        return f"<section{name}>{''.join(inside)}</section>"


def marked(text: str) -> str:
    """A text as HTML; what stands between backticks is set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{marked(text)}</p>" for text in texts)


def _picture(each: Picture) -> str:
    inside = each.figure if isinstance(each.figure, str) else '<div class="chart free"></div>'
    wide = " wide" if each.wide else ""
    caption = f"<figcaption>{escape(each.caption)}</figcaption>"
    return f'<figure class="card{wide}">{caption}{inside}</figure>'
