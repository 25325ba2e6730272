"""The page of the study below its findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradalign.report import Cell, Column, Picture, Section, SortableTable
from gradalign.report.series import chart, series
from gradalign.studies._estimates import number
from gradalign.studies._study import Document
from gradalign.studies.search.findings import ratio
from gradalign.studies.search.strategies import MAIN, SCORE

EVERY = 6
"""Of the points of a curve, those that bear their interval."""

LOG = {"type": "log", "tickvals": [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]}


def sections(document: Document) -> list[Section]:
    """Curves of accuracy and regret, the ends of all strategies, and what the scores know."""
    return [
        Section(
            title="Accuracy and regret against cost",
            pictures=[
                _accuracy(document, [each["strategy"] for each in _compared(document, SCORE)]),
                _regret(document, [each["strategy"] for each in _compared(document, SCORE)]),
            ],
            notes=[
                "Means over runs with 95 % intervals, where every run has trained a network. A "
                "curve begins later where the first trainings are of large networks."
            ],
        ),
        Section(
            title="Where a search ends, and what it cost to get as far as the sampler alone",
            table=_ends(document),
            notes=[
                "Ratio: the share of the budget at which the mean curve reaches the mean that the "
                "same sampler ends with unassisted; bootstrap over runs of both."
            ],
        ),
        Section(
            title="How much of the help is size",
            pictures=[
                _regret(
                    document,
                    [end["strategy"] for end in document["ends"] if end["sampler"] == MAIN],
                )
            ],
            table=_scores(document),
        ),
    ]


def _compared(document: Document, score: str) -> list[dict[str, Any]]:
    """Every sampler alone, and assisted by the score."""
    return [end for end in document["ends"] if end["score"] in (None, score)]


def _accuracy(document: Document, names: Sequence[str]) -> Picture:
    traces = [_trace(document, name, place, of=None) for place, name in enumerate(names)]
    return Picture(
        caption="Best accuracy found, in percent, against what was spent.",
        figure=chart(traces, _COST, "test accuracy (%)", height=420, x_axis=dict(LOG)),
        wide=True,
    )


def _regret(document: Document, names: Sequence[str]) -> Picture:
    best = document["best"]
    traces = [_trace(document, name, place, of=best) for place, name in enumerate(names)]
    return Picture(
        caption="Regret: accuracy of the best network of the table less that of the best found.",
        figure=chart(
            traces,
            _COST,
            "regret (percentage points)",
            height=420,
            x_axis=dict(LOG),
            y_axis={"type": "log"},
        ),
        wide=True,
    )


_COST = "average trainings, log scale"


def _trace(document: Document, name: str, place: int, *, of: float | None) -> dict[str, Any]:
    """A curve of accuracy; of regret against `of` where that is given."""
    curve = document["curves"][name]
    middle, low, high = (
        [each if each is None or of is None else of - each for each in curve[key]]
        for key in ("mean", "low", "high")
    )
    ends = [
        None if a is None or b is None or k % EVERY else (min(a, b), max(a, b))
        for k, (a, b) in enumerate(zip(low, high, strict=True))
    ]
    return series(name, document["costs"], middle, place, lines=True, points=False, along=ends)


def _ends(document: Document) -> SortableTable:
    columns = [
        Column(title="strategy", numeric=False),
        Column(title="accuracy", meaning="mean over runs of the best found, percent"),
        Column(title="regret", meaning="of the best in the table less the mean"),
        Column(title="quartiles", meaning="over runs, percent", numeric=False),
        Column(title="trainings", meaning="networks trained, mean over runs"),
        Column(title="ratio", meaning="of the budget, to reach what the sampler alone ends with"),
    ]
    rows = []
    for end in document["ends"]:
        alone = end["score"] is None
        rows.append(
            [
                Cell(text=end["strategy"], key=end["strategy"]),
                Cell(
                    text=f"{end['accuracy']:.2f}",
                    key=end["accuracy"],
                    detail=number(end["accuracy"], end["accuracy_ci"]).partition(" ")[2],
                ),
                Cell(
                    text=f"{document['best'] - end['accuracy']:.2f}",
                    key=document["best"] - end["accuracy"],
                ),
                Cell(
                    text=" / ".join(f"{each:.2f}" for each in end["quartiles"]),
                    key=end["quartiles"][1],
                ),
                Cell(text=f"{end['trainings']:.0f}", key=end["trainings"]),
                Cell(text="" if alone else ratio(end), key=end["ratio"]),
            ]
        )
    return SortableTable(columns=columns, rows=rows)


def _scores(document: Document) -> SortableTable:
    columns = [
        Column(title="score", numeric=False),
        Column(title="tau", meaning="Kendall's with the accuracy"),
        Column(title="tau with cost", meaning="Kendall's with the cost of training"),
        Column(title="top 1 %: accuracy", meaning="mean over the hundredth with the best scores"),
        Column(title="best of them", meaning="percent"),
        Column(title="their cost", meaning="average trainings a network"),
        Column(title="failed", meaning="networks without a value"),
    ]
    fields = ("tau", "tau_with_cost", "top_accuracy", "top_best", "top_cost")
    rows = [
        [
            Cell(text=own["score"], key=own["score"]),
            *(Cell(text=f"{own[field]:.2f}", key=own[field]) for field in fields),
            Cell(text=str(own["without"]), key=own["without"]),
        ]
        for own in document["scores"]
    ]
    return SortableTable(columns=columns, rows=rows)
