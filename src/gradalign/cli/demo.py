"""`gradalign demo`: the main job on embedded data, and a page about it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from gradalign.cli._app import command
from gradalign.cli._options import Display, Format, Seed, Workers
from gradalign.cli._output import note, progress, terminal, write_csv, write_json
from gradalign.cli._page import write_page
from gradalign.comparison import compare
from gradalign.comparison.table import GROUPS
from gradalign.demonstration import (
    METRICS,
    Demo,
    measured,
    not_shown,
    page,
    paired,
    pass_time,
    run,
)
from gradalign.errors import InputError
from gradalign.evaluation import Row
from gradalign.store.export import export

WIDE = 114
"""Columns of a terminal from which intervals are written out."""


@command
def demo(
    display: Display,
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the page and the scores go.")
    ] = Path("gradalign-demo"),
    networks: Annotated[
        int, typer.Option("--networks", help="How many networks of the embedded table.")
    ] = 300,
    workers: Workers = 2,
    seed: Seed = 0,
) -> int:
    """Rank real networks before training, and compare with their published accuracies."""
    folder = _made(out)
    with progress("scoring networks", networks, quiet=display.quiet) as bar:
        found = run(
            networks,
            workers=workers,
            seed=seed,
            progress=lambda done, _all: bar.update(bar.task_ids[0], completed=done),
        )
    path, scores = folder / "demo.html", folder / "scores.csv"
    write_page(page(found), path)
    export(found.networks.records, scores)
    if display.format is Format.json:
        write_json({**found.to_dict(), "page": str(path), "scores": str(scores)})
    elif display.format is Format.csv:
        parts = [each.to_frame().assign(metric=name) for name, each in found.evaluations.items()]
        write_csv(pd.concat(parts, ignore_index=True))
    else:
        _show(found, path, scores)
    for line in found.errors:
        typer.echo(f"gradalign: {line}", err=True)
    return 1 if found.errors else 0


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {str(folder)!r}: {error.strerror}") from None
    return folder


def _show(found: Demo, path: Path, scores: Path) -> None:
    console = terminal()
    console.print()
    console.print(_table(found, wide=console.width >= WIDE))
    console.print()
    legend = (
        "tau: Kendall's tau-b with accuracy, 95 % interval over networks. partial: params, macs "
        "and layers held constant. top 10: tau in the best tenth. picks: accuracy, in percent, of "
        "the network it would choose; the best of all has "
    )
    best = found.compared[next(iter(METRICS))].pool.accuracy.max()
    note(f"{legend}{best:.2f}. These three for CIFAR-10.")
    for line in (*paired(found), pass_time(found), measured(found), not_shown(found)):
        console.print()
        note(line)
    console.print()
    note(f"Page: {path}")
    note(f"Scores: {scores}")


def _table(found: Demo, *, wide: bool) -> Table:
    space = (0, 1, 0, 0) if wide else (0, 0, 0, 0)  # beside the one that the box sets
    table = Table(box=SIMPLE_HEAD, padding=space, pad_edge=False, show_edge=False)
    table.add_column("", no_wrap=True)
    for name in METRICS.values():
        title = f"tau {name}" if wide else f"tau\n{name.removesuffix('16-120')}"
        table.add_column(title, no_wrap=True, justify="right")
    for name in ("partial", "top 10" if wide else "top\n10 %", "picks", "s"):
        table.add_column(name, no_wrap=True, justify="right")
    best = {metric: each.rows[0].proxy for metric, each in found.evaluations.items()}
    indent = "  " if wide else ""
    for kind, lines in groupby(compare([*found.evaluations.values()]).lines, lambda x: x.kind):
        table.add_row(Text(GROUPS[kind], style="italic dim cyan"))
        for line in lines:
            table.add_row(f"{indent}{line.name}", *_cells(found, line.name, best, wide=wide))
    return table


def _cells(found: Demo, name: str, best: dict[str, str], *, wide: bool) -> Iterator[Text]:
    rows = {metric: each.row(name) for metric, each in found.evaluations.items()}
    for metric, row in rows.items():
        yield _tau(row, wide=wide, bold=best[metric] == name)
    first = next(iter(rows.values()))
    yield Text(_short(first.partial_tau, wide=wide))
    yield Text(_short(first.top10_tau, wide=wide))
    yield Text("-" if first.picked is None else f"{first.picked:.2f}")
    yield Text(_short(first.seconds, wide=wide))


def _tau(row: Row, *, wide: bool, bold: bool) -> Text:
    text = Text.assemble((_short(row.kendall_tau, wide=wide), "bold" if bold else ""))
    if row.kendall_tau_ci is None:
        return text
    low, high = row.kendall_tau_ci
    half = _short((high - low) / 2, wide=False)
    return text.append(f" [{low:.2f}, {high:.2f}]" if wide else f" ±{half}", style="dim")


def _short(value: float | None, *, wide: bool) -> str:
    """Two decimals; without the zero before the point where there is little room."""
    if value is None:
        return "-"
    return f"{value:.2f}" if wide else f"{value:.2f}".replace("0.", ".", 1)
