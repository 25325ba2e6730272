"""`gradalign merge`: what several stores hold, in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from gradalign.cli._app import command
from gradalign.cli._options import Display, Format
from gradalign.cli._output import note, write_csv, write_json, write_table
from gradalign.store import Store


@command
def merge(
    stores: Annotated[
        list[Path],
        typer.Argument(metavar="DB...", show_default=False, help="Stores, which are not changed."),
    ],
    display: Display,
    *,
    into: Annotated[
        Path,
        typer.Option(
            "--into", metavar="DB", show_default=False, help="The store, made where there is none."
        ),
    ],
) -> int:
    """Take over the records of stores into one; the first value of a record stays."""
    records = [_count(path) for path in stores]  # what is wrong is told before anything is written
    with Store.open(into) as target:
        taken = [target.merge(path) for path in stores]
        total = len(target)
    sources = [
        {"path": str(path), "records": count, "taken_over": new}
        for path, count, new in zip(stores, records, taken, strict=True)
    ]
    if display.format is Format.json:
        write_json({"into": str(into), "records": total, "sources": sources})
    elif display.format is Format.csv:
        write_csv(pd.DataFrame(sources))
    else:
        rows = [
            [str(path), f"{count:,}", f"{new:,}"]
            for path, count, new in zip(stores, records, taken, strict=True)
        ]
        write_table(("path", "records", "taken over"), rows)
        note(f"{str(into)!r} holds {total:,} records.")
    return 0


def _count(path: Path) -> int:
    with Store.read(path) as store:
        return len(store)
