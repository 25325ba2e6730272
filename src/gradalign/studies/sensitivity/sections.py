"""The page of the study below its findings."""

from __future__ import annotations

from collections.abc import Sequence

from gradalign.report import Cell, Column, Section, SortableTable
from gradalign.studies._estimates import number
from gradalign.studies._study import Document
from gradalign.studies.sensitivity.conditions import REFERENCE
from gradalign.studies.sensitivity.measuring import MAIN, SCORES, SIZE_FREE
from gradalign.studies.sensitivity.pictures import along, costs, differences, shares, values
from gradalign.studies.sensitivity.reading import front, row_of, rows, seconds

_ALONG = (
    ("batch size", "batch_size", "samples in the batch"),
    ("input size", "side", "height and width of the images (pixels)"),
)


def sections(document: Document) -> list[Section]:
    """Cost, every condition, the kinds of images, and all scores."""
    return [
        _costs(document),
        _conditions(document),
        Section(
            title="Along batch and image size",
            pictures=[along(document, *each) for each in _ALONG],
        ),
        _images(document),
        _scores(document),
    ]


def _costs(document: Document) -> Section:
    return Section(
        title="How small and cheap a probe can be",
        text=["The front is chosen by tau on these networks: on others it will be a little lower."],
        pictures=[costs(document)],
        table=_main_table(document),
        notes=[
            "Seconds are medians over networks, in all (build, batch, pass and scores of all "
            "measured proxies) and of the pass alone; other work on the machine adds to them.",
            "p is that of no difference to the reference, with Holm's correction for all "
            "conditions of this score.",
        ],
    )


def _conditions(document: Document) -> Section:
    pictures = [differences(document, score) for score in (MAIN, SIZE_FREE)]
    return Section(title="Every condition beside the reference", pictures=pictures)


def _images(document: Document) -> Section:
    pictures = [*(values(document, score) for score in (MAIN, SIZE_FREE)), shares(document)]
    return Section(
        title="Why noise does, and where it does not",
        pictures=pictures,
        table=_agreement_table(document),
        notes=[
            "rho is Spearman's between the values under two conditions. Beyond size: tau-b of the "
            f"two orders with params, macs, layers and the data-free part of {MAIN} held "
            "constant.",
        ],
    )


def _main_table(document: Document) -> SortableTable:
    best = {row["condition"] for row in front(document, MAIN)}
    columns = [
        Column(title="condition", numeric=False, folded=True),
        Column(title="seconds", meaning="a network, in all"),
        Column(title="pass", meaning="seconds of the pass that all scores share"),
        Column(title="front", meaning="no cheaper condition has as high a tau", numeric=False),
        Column(title="tau", meaning="Kendall's with the accuracy"),
        Column(title="partial tau", meaning="with params, macs and layers held constant"),
        Column(title="difference", meaning="of tau to the reference, paired"),
        Column(title="p", meaning="after Holm's correction"),
        Column(title="rho", meaning="Spearman's with the values of the reference"),
        Column(title="failed", meaning="networks without a value"),
    ]
    cells = []
    for row in rows(document, MAIN):
        spent, key = document["settings"][row["condition"]], row["condition"]
        cells.append(
            [
                Cell(text=key, key=key, detail=row["reason"] if row["tau"] is None else ""),
                Cell(text=f"{seconds(document, row):.3f}", key=spent["seconds"]),
                Cell(text=f"{spent['pass_seconds']:.3f}", key=spent["pass_seconds"]),
                Cell(text="yes" if key in best else "", key=int(key in best)),
                _cell(row["tau"], row["tau_ci"]),
                _cell(row["partial_tau"], row["partial_tau_ci"]),
                _cell(row["difference"], row["difference_ci"], "+"),
                _cell(row["p_holm"]),
                _cell(row["rho"], row["rho_ci"]),
                Cell(text=f"{row['failed']} of {row['n']}", key=row["failed"]),
            ]
        )
    return SortableTable(columns=columns, rows=cells)


def _agreement_table(document: Document) -> SortableTable:
    columns = [
        Column(title="conditions", numeric=False, folded=True),
        Column(title="space", numeric=False),
        Column(title="score", numeric=False),
        Column(title="networks"),
        Column(title="rho", meaning="Spearman's between the two orders"),
        Column(title="beyond size", meaning="tau-b with sizes held constant"),
    ]
    cells = [
        [
            Cell(text=f"{row['a']} | {row['b']}", key=f"{row['a']} {row['b']}"),
            Cell(text=row["space"], key=row["space"]),
            Cell(text=row["score"], key=row["score"]),
            Cell(text=str(row["n"]), key=row["n"]),
            _cell(row["rho"], row["rho_ci"]),
            _cell(row["beyond_size"], row["beyond_size_ci"]),
        ]
        for row in document["agreements"]
    ]
    return SortableTable(columns=columns, rows=cells)


def _scores(document: Document) -> Section:
    columns = [Column(title="condition", numeric=False, folded=True)]
    columns += [Column(title=score, meaning="tau; below it the interval") for score in SCORES]
    cells = []
    for condition in [REFERENCE, *list(document["settings"])[1:]]:
        found = [row_of(document, score, condition) for score in SCORES]
        own = [_cell(row["tau"], row["tau_ci"]) for row in found]
        cells.append([Cell(text=condition, key=condition), *own])
    return Section(title="All scores", table=SortableTable(columns=columns, rows=cells))


def _cell(value: float | None, ci: Sequence[float] | None = None, sign: str = "") -> Cell:
    if value is None:
        return Cell(text="-", key=None)
    detail = "" if ci is None else f"[{ci[0]:{sign}.2f}, {ci[1]:{sign}.2f}]"
    return Cell(text=number(value, sign=sign), key=value, detail=detail)
