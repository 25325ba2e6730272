"""What a study is: one document of results, and what is said and drawn of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradalign.pages import versions
from gradalign.report import Page, Section

Document = Mapping[str, Any]
"""Results as JSON has them: all that is said and drawn comes from here, and from nothing else."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """How the results of a study become text and pictures.

    Args:
        name: How it is asked for; also the value of `study` in its documents.
        title: Heading of its page.
        question: What it asks, in a sentence or two.
        findings: What its numbers say, each sentence with its interval.
        sections: What its page shows below the findings.
    """

    name: str
    title: str
    question: str
    findings: Callable[[Document], list[str]]
    sections: Callable[[Document], list[Section]]

    def page(self, document: Document) -> Page:
        """The page of its results."""
        return Page(
            title=self.title,
            lead=[self.question],
            sections=[
                Section(title="What came out", text=self.findings(document)),
                *self.sections(document),
            ],
            facts=[*conditions(document), *versions()],
        )

    def below_scores(self, document: Document, anchor: str) -> list[Section]:
        """The same for a page about something else: under a heading that `anchor` leads to.

        The findings stand at the top of that page.
        """
        return [
            Section(title=self.title, text=[self.question], anchor=anchor),
            *(replace(section, level=3) for section in self.sections(document)),
        ]


def conditions(document: Document) -> list[tuple[str, str]]:
    """How the results were made, as names and values."""
    made: Mapping[str, object] = document["conditions"]
    return [(name.replace("_", " "), _text(value)) for name, value in made.items()]


def _text(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)
