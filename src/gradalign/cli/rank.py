"""`gradalign rank`: networks in order, and how far the order can be trusted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gradalign.cli._app import command
from gradalign.cli._options import Conditions, Display, Format, Models
from gradalign.cli._output import note, progress, write_csv, write_json, write_table
from gradalign.cli._page import write_page
from gradalign.pages import ranking_page
from gradalign.rank import rank as rank_models
from gradalign.ranking import Ranking
from gradalign.report import render

Repeats = Annotated[
    int, typer.Option("--repeats", min=1, help="Batches and initialisations of each network.")
]
By = Annotated[str, typer.Option("--by", metavar="SCORE", help="What orders them.")]


@command
def rank(
    models: Models,
    conditions: Conditions,
    display: Display,
    *,
    repeats: Repeats = 5,
    by: By = "gradalign_plus",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", show_default=False, help="A page with pictures (.html)."
        ),
    ] = None,
) -> int:
    """Networks in order, best first, with rank intervals and what cannot be told apart."""
    plan, names = conditions.plan, models.names
    candidates = [plan.candidate(name) for name in names]
    plan.source()
    with progress("scoring", repeats * len(names), quiet=display.quiet) as bar:
        ranking = rank_models(
            candidates,
            data=plan.data,
            repeats=repeats,
            by=by,
            proxies=conditions.proxies,
            combine=conditions.combine,
            norm=plan.norm,
            regime=plan.regime,
            seed=conditions.seed,
            batch_size=plan.batch_size,
            device=plan.device,
            dtype=plan.dtype,
            input_size=plan.image_size,
            num_classes=plan.num_classes,
            build=dict(plan.build),
            progress=lambda done, _all: bar.update(bar.task_ids[0], completed=done),
        )
    if out is not None:
        write_page(render(ranking_page(ranking)), out)
    _SHOW[display.format](ranking)
    if out is not None and display.format is Format.table:
        note(f"Page: {out}")
    return _told_failures(ranking)


def _show_table(ranking: Ranking) -> None:
    header, *rows = ranking.rows()
    kept = [k for k in range(len(header)) if any(row[k] for row in rows)]
    # the model first: it stays where a narrow terminal needs several parts
    kept.sort(key=lambda k: header[k] != "model")
    write_table([header[k] for k in kept], [[row[k] for k in kept] for row in rows], left=len(kept))
    for line in ranking.notes():
        note(line)


_SHOW: dict[Format, Callable[[Ranking], None]] = {
    Format.json: lambda ranking: write_json(ranking.to_dict()),
    Format.csv: lambda ranking: write_csv(ranking.to_frame()),
    Format.table: _show_table,
}


def _told_failures(ranking: Ranking) -> int:
    """One line on stderr about what failed, if anything; the exit code."""
    records = [(entry.model, found) for entry in ranking.entries for found in entry.scores.values()]
    failed = [(model, found) for model, found in records if found.status != "ok"]
    if not failed:
        return 0
    model, found = failed[0]
    sys.stderr.write(
        f"gradalign: {len(failed)} of {len(records)} scores failed; {model!r} {found.status}: "
        f"{found.reason}\n"
    )
    return 1
