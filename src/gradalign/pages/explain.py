"""The page of `explain`: why a network scores as it does."""

from __future__ import annotations

from collections.abc import Iterator

from gradalign.explanation import Explanation
from gradalign.explanation.paired import Against, Edited
from gradalign.pages.cells import figure, words
from gradalign.pages.explain_changes import against_sections, change_section
from gradalign.pages.explain_layers import layer_sections
from gradalign.pages.explain_samples import sample_sections
from gradalign.pages.facts import versions
from gradalign.pages.kinds import better_of, unit_of
from gradalign.pages.protocols import in_words
from gradalign.report import Cell, Column, Page, Section, SortableTable


def explanation_page(
    own: Explanation, *, edited: Edited | None = None, against: Against | None = None
) -> Page:
    """An explanation as a page.

    Args:
        own: The explanation.
        edited: What changes of the network would do, where that was measured.
        against: Another network beside it.
    """
    return Page(
        title="Why this network scores as it does",
        lead=[own.model, _measured(own)],
        sections=[*_sections(own, edited, against)],
        facts=[
            ("seed", str(own.seed)),
            ("norm", own.norm),
            ("data", own.data),
            *([("backend", own.backend)] if own.backend else []),
            *(
                (f"protocol {name}", in_words(conditions))
                for name, conditions in own.scores.protocols.items()
            ),
            *versions(),
        ],
    )


def _measured(own: Explanation) -> str:
    if own.failure is not None:
        return f"It could not be explained: {own.failure}."
    classes = f" of {len(own.classes)} classes" if own.classes else ""
    return (
        f"Gradients of {len(own.samples)} samples{classes}, taken from one batch and one "
        "initialisation: other draws give other figures."
    )


def _sections(
    own: Explanation, edited: Edited | None, against: Against | None
) -> Iterator[Section]:
    if own.failure is None:
        yield Section(
            title="What is to be known first",
            text=[finding.text for finding in own.findings] or ["Nothing stands out."],
        )
    if against is not None:
        yield from against_sections(own, against)
    yield from sample_sections(own, gram=against is None or against.explanation.failure is not None)
    yield from layer_sections(own)
    if edited is not None:
        yield change_section(edited)
    yield Section(title="The scores", table=_score_table(own))


def _score_table(own: Explanation) -> SortableTable:
    return SortableTable(
        columns=[
            Column(title="score", numeric=False),
            Column(title="value"),
            Column(title="standard error", meaning="Over the samples of the batch"),
            Column(title="unit", numeric=False),
            Column(title="what went wrong", numeric=False, folded=True),
        ],
        rows=[
            [
                words(
                    record.proxy,
                    detail="low is better" if better_of(record.proxy) == "lower" else "",
                ),
                figure(record.value),
                figure(record.stderr),
                words(unit_of(record.proxy)),
                Cell(text="", key=None)
                if record.status == "ok"
                else words(record.status, detail=record.reason or ""),
            ]
            for record in own.scores.records
        ],
    )
