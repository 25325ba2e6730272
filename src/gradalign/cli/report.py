"""`gradalign report`: what stores, studies and searches hold, as one page; records as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from gradalign.cli._app import command
from gradalign.cli._joined import joined_sections
from gradalign.cli._options import Display, Format, Protocol, Seed
from gradalign.cli._output import note, progress, write_csv, write_json, write_table
from gradalign.cli._page import write_page
from gradalign.cli._scores import chosen
from gradalign.errors import InputError
from gradalign.pages import records_page
from gradalign.report import Findings, Page, Part, render
from gradalign.search.reading import holds_search
from gradalign.store import Store
from gradalign.store.export import export

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
    stores: Annotated[
        list[Path],
        typer.Argument(
            metavar="DB...",
            show_default=False,
            help="Stores of records; of a record that stands in several, the first value counts.",
        ),
    ],
    display: Display,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default="the page, beside the first store",
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
            metavar="PATH",
            show_default=False,
            help="Results of gradalign study to show below the scores: its folder, or the .json "
            "file; repeatable.",
        ),
    ] = None,
    searches: Annotated[
        list[Path] | None,
        typer.Option(
            "--search",
            metavar="DB",
            show_default=False,
            help="File of gradalign search to show below the scores; repeatable.",
        ),
    ] = None,
    protocol: Protocol = None,
    seed: Seed = 0,
) -> int:
    """A page on scores, studies and searches, findings first; --format csv, json: the records."""
    target = _target(stores, out, display.format)
    joined = joined_sections(studies or (), searches or ())
    records, protocols = _read(stores)
    names = " and ".join(path.name for path in stores)
    records = chosen(records, protocol, Path(names))
    written = target is not None and target.suffix.lower() in PAGES
    page = None
    if written or (display.format is Format.json and _can_be_shown(records)):
        with progress("comparing with accuracies", 1, quiet=display.quiet) as bar:
            page = records_page(
                records,
                protocols,
                name=names,
                benchmark=benchmark,
                metric=metric,
                seed=seed,
                progress=lambda done, total: bar.update(
                    bar.task_ids[0], completed=done, total=total
                ),
            )
        page = replace(page, sections=joined.sections, findings=joined.findings)
    if page is not None and written and target is not None:
        write_page(render(page), target)
    elif target is not None:
        export(records, target)
    if display.format is Format.csv:
        write_csv(records.sort_values(list(ORDER), kind="stable")[list(COLUMNS)])
    elif display.format is Format.json:
        write_json({**_document(records, protocols), "findings": _said(page, joined.findings)})
    else:
        _show(page, records, target)
        for path in stores:
            if path not in (searches or ()) and holds_search(path):
                note(f"{path} holds a search too: --search {path} shows it.")
    return 0


def _read(stores: Sequence[Path]) -> tuple[pd.DataFrame, Protocols]:
    """Records and conditions of all stores together, by the rule of `gradalign merge`."""
    if len(stores) == 1:
        with Store.read(stores[0]) as store:
            return store.frame(), store.protocols
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "together.db") as together:
        for path in stores:
            together.merge(path)
        return together.frame(), together.protocols


def _can_be_shown(records: pd.DataFrame) -> bool:
    """Whether the records can stand beside each other: some, each score under one protocol."""
    return not records.empty and bool((records.groupby("proxy")["protocol"].nunique() <= 1).all())


def _said(page: Page | None, joined: Sequence[Findings]) -> list[dict[str, object]] | None:
    """All findings, by what they are about; None where records cannot be compared."""
    if page is None and not joined:
        return None
    said: list[tuple[str, Sequence[str]]] = [
        (view.name, view.findings) for part in (page.parts if page else ()) for view in part.views
    ]
    said += [(each.about, each.sentences) for each in joined]
    return [{"about": about, "sentences": list(sentences)} for about, sentences in said]


def _target(stores: Sequence[Path], out: Path | None, form: Format) -> Path | None:
    """The file that is written; none where the records go to stdout and no file is asked for."""
    if out is None:
        if form is not Format.table:
            return None
        out = stores[0].with_suffix(PAGES[0])
    if out.suffix.lower() not in (*PAGES, *EXPORTS):
        raise InputError(
            f"{str(out)!r} ends in none of {', '.join((*PAGES, *EXPORTS))}: choose one of them"
        )
    if out.resolve() in [path.resolve() for path in stores]:
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
    for each in page.findings if page is not None else ():
        note(each.about)
        for sentence in each.sentences:
            note(f"- {sentence}")
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
    for sentence in view.findings:
        note(f"- {sentence}")
    note(f"Failures: {part.failures_note}")
