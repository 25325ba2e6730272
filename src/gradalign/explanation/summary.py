"""An explanation as a short text."""

from __future__ import annotations

from collections.abc import Sequence

from gradalign.explanation.result import Explanation, LayerFigures
from gradalign.proxies import PROXIES

SHOWN = 12
"""Rows of a table in the summary."""

NOISE = 1e-9
"""Share of a score up to which a remainder is rounding."""

Table = tuple[list[str], list[list[str]]]
"""Headings and rows."""


def summary(own: Explanation) -> str:
    """What stands on a terminal: findings, and the three tables in brief."""
    if own.failure is not None:
        return f"{own.model} cannot be explained: {own.failure}"
    lines = [heading(own), "", *(f"* {each.text}" for each in own.findings)]
    for title, (header, rows) in tables(own):
        lines += ["", title, *_aligned([header, *rows])]
    return "\n".join([*lines, "", *notes(own)])


def heading(own: Explanation) -> str:
    """What was measured, in a line."""
    classes = f", {len(own.classes)} classes" if own.classes else ""
    return (
        f"{own.model}: {len(own.samples)} samples of {own.data}{classes}, norm={own.norm}, "
        f"seed {own.seed}"
    )


def tables(own: Explanation) -> list[tuple[str, Table]]:
    """The tables with their titles; those without rows left out."""
    found = [
        (_title("Layers, in forward order", len(own.layers)), layer_table(own)),
        (_title("Classes", len(own.classes)), class_table(own)),
        ("Pairs of samples that oppose each other most", pair_table(own)),
    ]
    return [(title, table) for title, table in found if table[1]]


def _title(text: str, rows: int) -> str:
    return text if rows <= SHOWN else f"{text}: {SHOWN} of {rows}"


def layer_table(own: Explanation) -> Table:
    """Layers with their conflict, and what they add to the scores that are sums."""
    scores = [
        record.proxy
        for record in own.scores.records
        if record.value
        and PROXIES[record.proxy].kind != "size"
        and any(record.proxy in row.contributions for row in own.layers)
    ]
    header = ["layer", "weights", "opposed", "cosine", "directions", *scores]
    rows = [
        [
            row.name if row.live else f"{row.name} (dead)",
            f"{row.size:,}",
            share(row.conflict_fraction),
            signed(row.mean_cosine),
            plain(row.directions),
            *(_part(own, row, score) for score in scores),
        ]
        for row in _shown(own)
    ]
    return header, rows


def _shown(own: Explanation) -> list[LayerFigures]:
    """Those that findings name, then those with the most gradient; in forward order."""
    if len(own.layers) <= SHOWN:
        return list(own.layers)
    named = {name for finding in own.findings for name in finding.layers}
    first = sorted(
        own.layers, key=lambda row: (row.name not in named, -(row.gradient_share or 0.0))
    )
    return sorted(first[:SHOWN], key=lambda row: row.position)


def _part(own: Explanation, row: LayerFigures, score: str) -> str:
    value, whole = row.contributions.get(score), own.scores[score].value
    return "" if value is None or not whole else f"{value / whole:.1%}"


def class_table(own: Explanation) -> Table:
    """Classes with their cosines."""
    header = ["class", "samples", "cosine within", "with others", "opposed within", "with others"]
    rows = [
        [
            str(row.label),
            str(row.samples),
            signed(row.within),
            signed(row.between),
            share(row.conflict_within),
            share(row.conflict_between),
        ]
        for row in own.classes[:SHOWN]
    ]
    return header, rows


def pair_table(own: Explanation) -> Table:
    """The most opposed pairs."""
    header = ["samples", "classes", "cosine", "most in", "same input"]
    rows = [
        [
            "{}, {}".format(*pair.samples),
            "" if pair.labels[0] is None else "{}, {}".format(*pair.labels),
            signed(pair.cosine),
            pair.layer or "",
            "yes" if pair.same_input else "",
        ]
        for pair in own.opposed[:5]
    ]
    return header, rows


def notes(own: Explanation) -> list[str]:
    """How the figures are to be read."""
    lines = [
        "opposed: share of pairs of samples whose gradients have a negative inner product; cosine: "
        "mean over pairs; directions: effective number of gradient directions, at most one a "
        "sample; under a score's name: the layer's share of it, all shares adding up to it.",
        "One batch and one initialisation: other draws give other figures.",
    ]
    outside = [
        f"{name} {value:,.6g}"
        for name, value in own.rest.items()
        if abs(value) > NOISE * abs(own.scores[name].value or 0.0)
    ]
    if outside:
        lines.insert(1, f"In no layer of the table: {', '.join(outside)}.")
    return lines


def share(value: float | None) -> str:
    """A share in percent.

    Example:
        >>> share(0.5), share(None)
        ('50%', '-')
    """
    return "-" if value is None else f"{value:.0%}"


def signed(value: float | None) -> str:
    """A number with its sign and two decimals."""
    return "-" if value is None else f"{value:+.2f}"


def plain(value: float | None) -> str:
    """A number with one decimal."""
    return "-" if value is None else f"{value:.1f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, columns one under the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
