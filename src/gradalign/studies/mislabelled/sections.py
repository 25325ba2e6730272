"""The page of the study: charts and tables of its document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gradalign.report import Cell, Column, Figure, Picture, Section, SortableTable
from gradalign.report.series import chart, series
from gradalign.studies._estimates import number
from gradalign.studies._study import Document
from gradalign.studies.mislabelled.figures import AGAINST, FIGURES, NAMED
from gradalign.studies.mislabelled.findings import CHANCE, when

Numbers = Mapping[str, Any]
Rows = Sequence[Numbers]

APART = 0.07
"""Distance of the lines at one look, so that their intervals do not cover each other."""

LABELS = {"learned": "rightly labelled", "learned_wrong": "wrongly labelled"}

TRAINED = "training steps taken"
AUC = "AUC (0.5: chance)"


def sections(document: Document) -> list[Section]:
    """What the page shows below the findings."""
    return [_figures(document), _networks(document), _learned(document), _table(document)]


def _figures(document: Document) -> Section:
    """All figures by the number of steps: from gradients, and what they have to beat."""
    rows: Rows = document["figures"]
    pictures = []
    for caption, conflict in (
        ("figures of conflict between gradients", True),
        ("the figure named beforehand, and what it has to beat", False),
    ):
        names = [
            name for name, figure in FIGURES.items() if figure.conflict is conflict or name == NAMED
        ]
        own = {FIGURES[name].label: _of(rows, figure=name) for name in names}
        pictures.append(Picture(caption=f"AUC: {caption}", figure=_lines(own, AUC, chance=True)))
    return Section(
        title="How well mislabelled samples stand out",
        text=["Means over all trainings; the lines through the points are 95 % intervals."],
        pictures=pictures,
    )


def _networks(document: Document) -> Section:
    rows = _of(document["by_network"], figure=NAMED)
    own = {name: _of(rows, network=name) for name in dict.fromkeys(r["network"] for r in rows)}
    caption = f"AUC: {FIGURES[NAMED].label}, by network; the intervals are over its seeds"
    return Section(
        title="By network",
        pictures=[Picture(caption=caption, figure=_lines(own, AUC, chance=True))],
    )


def _learned(document: Document) -> Section:
    own = {label: _of(document["learned"], labels=key) for key, label in LABELS.items()}
    figure = _lines(own, "training samples (%)", chance=False)
    return Section(
        title="What the networks know by heart",
        pictures=[Picture(caption="Samples put in their given class", figure=figure)],
    )


def _of(rows: Rows, **wanted: object) -> Rows:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def _lines(own: Mapping[str, Rows], label: str, *, chance: bool) -> Figure:
    """A line for each of some names over the looks, which stand at equal distances."""
    steps = list(dict.fromkeys(row["steps"] for rows in own.values() for row in rows))
    traces = []
    for k, (name, rows) in enumerate(own.items()):
        aside = APART * (k - (len(own) - 1) / 2)
        traces.append(
            series(
                name,
                [steps.index(row["steps"]) + aside for row in rows],
                [row["value"] for row in rows],
                k,
                lines=True,
                along=[row["ci"] for row in rows],
                text=[f"{when(row['steps'])}: {number(row['value'], row['ci'])}" for row in rows],
            )
        )
    if chance:
        ends = [-0.3, len(steps) - 0.7]
        traces.append(series("chance", ends, [CHANCE] * 2, 6, lines=True, points=False))
    lowest = min(end for rows in own.values() for row in rows for end in row["ci"] or [CHANCE])
    y_axis: dict[str, object] = {"range": [min(CHANCE, lowest) - 0.03, 1.03]} if chance else {}
    ticks = {"tickvals": [*range(len(steps))], "ticktext": [str(step) for step in steps]}
    return chart(
        traces, TRAINED, label, height=400, x_axis={**ticks, "zeroline": False}, y_axis=y_axis
    )


def _table(document: Document) -> Section:
    """Every AUC with its interval, and the differences."""
    steps = list(dict.fromkeys(row["steps"] for row in document["figures"]))
    columns = [
        Column(title="figure", numeric=False, folded=True),
        Column(title="network", numeric=False),
        *(Column(title=f"{step} steps", meaning="AUC, 95 % interval") for step in steps),
    ]
    rows = [
        _row(FIGURES[name].label, "all", _of(document["figures"], figure=name)) for name in FIGURES
    ]
    rows += [
        _row(
            f"{FIGURES[NAMED].label} less {FIGURES[other].label}",
            "all",
            _of(document["differences"], against=other),
            sign="+",
        )
        for other in AGAINST
    ]
    names = dict.fromkeys(row["network"] for row in document["by_network"])
    rows += [
        _row(
            FIGURES[name].label, network, _of(document["by_network"], figure=name, network=network)
        )
        for name in FIGURES
        for network in names
    ]
    return Section(
        title="All figures",
        table=SortableTable(columns=columns, rows=rows),
        notes=[
            "Intervals over all networks draw networks and seeds anew, those of one network its "
            "seeds. How much the conflict fraction of the batch falls when a sample is left out is "
            "no figure of its own: it rises with the sample's share of conflicting pairs, and so "
            "puts the samples in the same order."
        ],
    )


def _row(name: str, network: str, rows: Rows, sign: str = "") -> list[Cell]:
    return [
        Cell(text=name, key=name),
        Cell(text=network, key=network),
        *(_cell(r, sign) for r in rows),
    ]


def _cell(row: Numbers, sign: str) -> Cell:
    if row["value"] is None:
        return Cell(text="-", key=None)
    value, ci = row["value"], row["ci"]
    ends = "" if ci is None else " to ".join(number(each, sign=sign) for each in ci)
    return Cell(text=number(value, sign=sign), key=value, detail=ends)
