"""`gradalign report`: what a store holds, as a page, and as a table for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from gradalign.cli._app import command
from gradalign.cli._options import Display, Format, Protocol, Seed
from gradalign.cli._output import note, progress, write_csv, write_json, write_table
from gradalign.cli._page import write_page
from gradalign.cli._scores import chosen
from gradalign.errors import InputError
from gradalign.pages import records_page
from gradalign.report import Page, Part, render
from gradalign.store import Store
from gradalign.store.export import export
from gradalign.studies import STUDIES, read_document

COLUMNS = ("model", "proxy", "seed", "value", "status", "reason", "seconds")
"""Of the CSV on stdout."""

ORDER = ("model", "proxy", "seed", "protocol")

PAGES = (".html", ".htm")
EXPORTS = (".csv", ".parquet")

SUMMARY = ("score", "tau", "networks", "failed", "median", "coverage", "seconds", "kind")
"""What the terminal shows of the page's table: columns whose names begin so."""

Protocols = Mapping[str, Mapping[str, object]]


@command
def report(
    db: Annotated[
        Path, typer.Argument(metavar="DB", show_default=False, help="A store of records.")
    ],
    display: Display,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default="the page, beside the store",
            help="A page (.html), or all records with all columns (.csv, .parquet).",
        ),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark",
            metavar="B",
            show_default="all at hand",
            help="A name, see gradalign list benchmarks, or a file with arch and accuracies.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="M", show_default="all", help="Which accuracy."),
    ] = None,
    studies: Annotated[
        list[Path] | None,
        typer.Option(
            "--study",
            metavar="FILE",
            show_default=False,
            help="Results of gradalign study (.json) to show below the scores; repeatable.",
        ),
    ] = None,
    protocol: Protocol = None,
    seed: Seed = 0,
) -> int:
    """A page about the records of a store; --format csv or json: the records on stdout."""
    target = _target(db, out, display.format)
    read = [read_document(path, STUDIES) for path in studies or ()]
    with Store.read(db) as store:
        records, protocols = store.frame(), store.protocols
    records = chosen(records, protocol, db)
    page = None
    if target is not None and target.suffix.lower() in PAGES:
        with progress("comparing with accuracies", 1, quiet=display.quiet) as bar:
            page = records_page(
                records,
                protocols,
                name=db.name,
                benchmark=benchmark,
                metric=metric,
                seed=seed,
                progress=lambda done, total: bar.update(
                    bar.task_ids[0], completed=done, total=total
                ),
            )
        sections = [section for each, document in read for section in each.below_scores(document)]
        write_page(render(replace(page, sections=sections)), target)
    elif target is not None:
        export(records, target)
    if display.format is Format.csv:
        write_csv(records.sort_values(list(ORDER), kind="stable")[list(COLUMNS)])
    elif display.format is Format.json:
        write_json(_document(records, protocols))
    else:
        _show(page, records, target)
    return 0


def _target(db: Path, out: Path | None, form: Format) -> Path | None:
    """The file that is written; none where the records go to stdout and no file is asked for."""
    if out is None:
        if form is not Format.table:
            return None
        out = db.with_suffix(PAGES[0])
    if out.suffix.lower() not in (*PAGES, *EXPORTS):
        raise InputError(
            f"{str(out)!r} ends in none of {', '.join((*PAGES, *EXPORTS))}: choose one of them"
        )
    if out.resolve() == db.resolve():
        raise InputError(f"{str(out)!r} is the store itself: choose another file with --out")
    return out


def _document(records: pd.DataFrame, protocols: Protocols) -> dict[str, object]:
    """The JSON document `score`."""
    present = set(records["protocol"])
    rows = [
        {name: _plain(value) for name, value in zip(records.columns, row, strict=True)}
        for row in records.itertuples(index=False)
    ]
    return {
        "protocols": {name: dict(own) for name, own in protocols.items() if name in present},
        "scores": rows,
    }


def _plain(value: object) -> object:
    """A cell as JSON has it."""
    if value is None or value != value:  # no text, or no number
        return None
    return value.item() if isinstance(value, np.generic) else value


def _show(page: Page | None, records: pd.DataFrame, target: Path | None) -> None:
    for part in page.parts if page is not None else ():
        _show_part(part)
    what = "Page" if page is not None else f"{len(records):,} records"
    note(f"{what}: {target}")


def _show_part(part: Part) -> None:
    view = part.views[0]
    shown = [k for k, column in enumerate(view.table.columns) if column.title.startswith(SUMMARY)]
    write_table(
        [view.table.columns[k].title for k in shown],
        [
            [
                f"{row[k].text} {f'[{row[k].detail}]' if row[k].detail else ''}".strip()
                for k in shown
            ]
            for row in view.table.rows
        ],
    )
    others = [each.name for each in part.views[1:]]
    also = f"; on the page also {', '.join(others)}" if others else ""
    note(f"{part.name}: {view.name}{also}.")
    note(f"Failures: {part.failures_note}")
