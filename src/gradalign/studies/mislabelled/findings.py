"""What the numbers of the study say, in sentences made from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gradalign.studies._estimates import number
from gradalign.studies._study import Document
from gradalign.studies.mislabelled.figures import AGAINST, FIGURES, NAMED

Numbers = Mapping[str, Any]

CHANCE = 0.5


def findings(document: Document) -> list[str]:
    """One paragraph for each thing that the study asks."""
    return [
        _told(document, NAMED, "Named beforehand: "),
        *(_against(document, other) for other in AGAINST),
        *(_told(document, name, "For comparison: ") for name in FIGURES if name != NAMED),
        *_learned(document),
        *_missing(document),
    ]


def _told(document: Document, name: str, opening: str) -> str:
    """The AUC of one figure at every look, and whether it can be told from chance."""
    rows = [each for each in document["figures"] if each["figure"] == name]
    if len({(row["value"], *(row["ci"] or ())) for row in rows}) == 1:
        return f"{opening}{FIGURES[name].words}: AUC {_auc(rows[0])} at every look."
    text = "; ".join(f"{when(row['steps'])} {_auc(row)}" for row in rows)
    return f"{opening}{FIGURES[name].words}: AUC {text}."


def _auc(row: Numbers) -> str:
    said = number(row["value"], row["ci"])
    if row["ci"] is None:
        return said
    low, high = row["ci"]
    if high < CHANCE:
        return f"{said}, worse than chance"
    return f"{said}, not to be told from chance" if low <= CHANCE else said


def _against(document: Document, other: str) -> str:
    """The figure named beforehand less a baseline."""
    rows = [each for each in document["differences"] if each["against"] == other]
    text = "; ".join(
        f"{when(row['steps'])} {number(row['value'], row['ci'], sign='+')}, {_verdict(row)}"
        for row in rows
    )
    return (
        f"Is it better than {FIGURES[other].words}? Difference of AUC on the same trainings: "
        f"{text}."
    )


def _verdict(row: Numbers) -> str:
    if row["ci"] is None or row["ci"][0] <= 0 <= row["ci"][1]:
        return "undecided"
    return "better" if row["ci"][0] > 0 else "worse"


def _learned(document: Document) -> Iterator[str]:
    """How much of the wrong labels the networks know by heart at the end."""
    rows: Sequence[Numbers] = document["learned"]
    last = max(row["steps"] for row in rows)
    right, wrong = (
        next(row for row in rows if row["labels"] == labels and row["steps"] == last)
        for labels in ("learned", "learned_wrong")
    )
    yield (
        f"After {last} steps the networks put {number(right['value'], right['ci'], 0)} % of the "
        f"rightly and {number(wrong['value'], wrong['ci'], 0)} % of the wrongly labelled training "
        "samples in their given class."
    )


def _missing(document: Document) -> Iterator[str]:
    diverged = sum(bool(run["diverged"]) for run in document["runs"])
    if diverged:
        yield (
            f"{diverged} of {len(document['runs'])} trainings diverged and are missing at the "
            "looks after that."
        )


def when(steps: int) -> str:
    """A look in words."""
    return "at initialization" if steps == 0 else f"after {steps} steps"
