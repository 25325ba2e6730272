"""`gradalign data`: the published files of benchmarks, and the tables of the cache."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from gradalign.benchmarks._cache import (
    at_hand,
    cache_dir,
    publisher,
    stored_record,
    table_path,
    table_rows,
)
from gradalign.benchmarks._fetch import fetch as fetch_published
from gradalign.benchmarks._fetch import import_file
from gradalign.benchmarks._published import PUBLISHED, Published
from gradalign.benchmarks._table_file import DamagedTableError, read_table_file
from gradalign.cli._app import app, command
from gradalign.cli._options import Display, Format
from gradalign.cli._output import write_csv, write_json, write_table
from gradalign.cli._screen import screen
from gradalign.errors import InputError

Entry = dict[str, object]

data = typer.Typer(help="Published benchmarks: fetch, import, list and verify their tables.")
app.add_typer(data, name="data")
data_command = partial(command, of=data)

FEW = 4
"""Names in a cell of a table that is to be read."""

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", show_default=False, help="As in gradalign data list."),
]


@data_command
def fetch(
    name: Name,
    display: Display,
    *,
    url: Annotated[
        list[str] | None,
        typer.Option(
            "--url",
            metavar="URL",
            show_default="where its authors publish it",
            help="Where from; repeatable, tried in turn.",
        ),
    ] = None,
    sha256: Annotated[
        str | None,
        typer.Option(
            "--sha256",
            metavar="HEX",
            show_default="the pinned one",
            help="The checksum that the file must have.",
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the downloaded file in the cache too.")
    ] = False,
) -> int:
    """Download a published file, check it and store its tables; goes on where it broke off."""
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise InputError(f"--sha256 is {sha256!r}: 64 hexadecimal digits are needed")
    with screen(quiet=display.quiet) as listener:
        tables = fetch_published(
            PUBLISHED[name], listener, urls=tuple(url or ()), sha256=sha256, keep=keep
        )
    return _show(_stored(tables), display, "tables")


@data_command
def import_(
    name: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="The published file.")
    ],
    display: Display,
) -> int:
    """Store the tables of a published file that is at hand already."""
    with screen(quiet=display.quiet) as listener:
        tables = import_file(PUBLISHED[name], file, listener)
    return _show(_stored(tables), display, "tables")


@data_command
def list_(display: Display) -> int:
    """What can be fetched or imported, and what is at hand."""
    if display.format is Format.json:
        write_json({"published": [_listed(published) for published in PUBLISHED.values()]})
        return 0
    most = FEW if display.format is Format.table else None
    entries = [_listed_short(published, most) for published in PUBLISHED.values()]
    return _show(entries, display, "published")


@data_command
def verify(
    display: Display,
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", show_default="all at hand", help="Published files or tables."
        ),
    ] = None,
) -> int:
    """Compare stored tables with their checksums; exit code 1 if one is damaged."""
    chosen = [table for name in names for table in _named(name)] if names else _all_at_hand()
    entries = [_verified(table) for table in dict.fromkeys(chosen)]
    _show(entries, display, "tables")
    return 1 if any(entry["status"] != "ok" for entry in entries) else 0


@data_command
def path(
    display: Display,
    *,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", show_default="the cache", help="A published file or a table."
        ),
    ] = None,
) -> int:
    """Where the cache is, or a table in it."""
    if name is None:
        entries: list[Entry] = [{"name": "cache", "path": str(cache_dir())}]
    else:
        entries = [{"name": table, "path": str(table_path(table))} for table in _named(name)]
    if display.format is not Format.table:
        return _show(entries, display, "paths")
    for entry in entries:
        typer.echo(entry["path"])
    return 0


def _named(name: str) -> list[str]:
    """Tables at hand that a name stands for: of a published file, or one table.

    Raises:
        InputError: There is none.
    """
    if name in PUBLISHED:
        file, tables = name, [*PUBLISHED[name].benchmarks]
    else:
        file, tables = publisher(name).name, [name]
    found = [table for table in tables if at_hand(table)]
    if not found:
        raise InputError(
            f"{name!r} is not at hand: gradalign data fetch {file}, or gradalign data import "
            f"{file} FILE"
        )
    return found


def _all_at_hand() -> list[str]:
    tables = [table for published in PUBLISHED.values() for table in published.benchmarks]
    return [table for table in tables if at_hand(table)]


def _verified(name: str) -> Entry:
    """Whether a table at hand is whole, and where it is from."""
    file = table_path(name)
    try:
        _, record = read_table_file(file)
    except (DamagedTableError, OSError) as fault:
        return {
            "name": name,
            "status": "damaged",
            "reason": str(fault),
            "rows": None,
            "origin": None,
            "path": str(file),
        }
    return {
        "name": name,
        "status": "ok",
        "reason": None,
        "rows": record.rows,
        "origin": record.origin,
        "path": str(file),
    }


def _stored(tables: Sequence[str]) -> list[Entry]:
    return [
        {"name": name, "rows": table_rows(name), "path": str(table_path(name))} for name in tables
    ]


def _listed(published: Published) -> Entry:
    rows = _rows(published)
    return {
        "name": published.name,
        "tables": [{"name": name, "rows": rows.get(name)} for name in published.benchmarks],
        "megabytes": published.megabytes,
        "at_hand": bool(rows),
        "licence": published.licence,
        "source": published.source,
        "summary": published.description,
        "filename": published.filename,
        "urls": [*published.urls],
        "sha256": published.sha256,
    }


def _listed_short(published: Published, most: int | None) -> Entry:
    """The same on one line, with the names of at most so many tables."""
    rows = _rows(published)
    return {
        "name": published.name,
        "tables": _joined(published.benchmarks, most),
        "MB": published.megabytes,
        "rows at hand": _joined([f"{name} {count:,}" for name, count in rows.items()], most) or "-",
        "licence": published.licence,
        "source": published.source,
    }


def _joined(names: Sequence[str], most: int | None) -> str:
    more = [] if most is None or len(names) <= most else [f"and {len(names) - most} more"]
    return ", ".join([*names[:most], *more])


def _rows(published: Published) -> dict[str, int]:
    """Rows of the tables at hand that were read from this very file, not from another version."""
    records = {name: stored_record(name) for name in published.benchmarks}
    return {
        name: record.rows
        for name, record in records.items()
        if record is not None and record.published == published.name
    }


def _show(entries: list[Entry], display: Display, key: str) -> int:
    """Write entries of the same keys in the format asked for."""
    if display.format is Format.json:
        write_json({key: entries})
    elif display.format is Format.csv:
        write_csv(pd.DataFrame(entries))
    elif entries:
        header = [*entries[0]]
        write_table(
            header, [[_text(entry[name]) for name in header] for entry in entries], left=len(header)
        )
    return 0


def _text(value: object) -> str:
    """A value as a cell of a table."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)
