"""What sentences, tables and pictures look up in a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradalign.studies._study import Document

Row = Mapping[str, Any]

LEVEL = 0.05
"""Below this probability, after Holm's correction, a condition is told apart from the reference."""

MARGIN = 0.05
"""A loss of tau that would still be small."""


def rows(document: Document, score: str) -> list[Row]:
    """The rows of a score, one a condition."""
    return [row for row in document["rows"] if row["score"] == score]


def row_of(document: Document, score: str, condition: str) -> Row:
    """The row of a score under a condition."""
    return next(row for row in rows(document, score) if row["condition"] == condition)


def agreement(document: Document, score: str, b: str, *, stacks: bool = False) -> Row | None:
    """How alike the orders under `b` and its partner are; None: that was not measured."""
    for row in document["agreements"]:
        own = row["space"] == document["space"]
        if (row["score"], row["b"]) == (score, b) and own != stacks:
            found: Row = row
            return found
    return None


def seconds(document: Document, row: Row) -> float:
    """Seconds a network under the condition of a row."""
    return float(document["settings"][row["condition"]]["seconds"])


def front(document: Document, score: str) -> list[Row]:
    """The rows than which no cheaper one has as high a tau, by rising seconds."""
    found: list[Row] = []
    defined = [row for row in rows(document, score) if row["tau"] is not None]
    for row in sorted(defined, key=lambda row: (seconds(document, row), -row["tau"])):
        if not found or row["tau"] > found[-1]["tau"]:
            found.append(row)
    return found


def cheapest(document: Document, score: str, lowest: float | None = None) -> Row | None:
    """The cheapest condition that is not told apart from the reference, or loses little.

    Args:
        document: The results.
        score: The score.
        lowest: What the interval of the difference has to lie above; None: it has to reach 0.
    """
    kept = []
    for row in rows(document, score):
        ci = row["difference_ci"]
        if ci is not None and (ci[1] >= 0 if lowest is None else ci[0] > lowest):
            kept.append(row)
    return min(kept, key=lambda row: seconds(document, row), default=None)


def factors(document: Document) -> list[str]:
    """What was changed, in order."""
    found = dict.fromkeys(own["factor"] for own in document["settings"].values())
    return list(found)[1:]


def told_apart(row: Row) -> bool:
    """Whether a condition is told apart from the reference."""
    return row["p_holm"] is not None and row["p_holm"] < LEVEL
