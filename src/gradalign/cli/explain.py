"""`gradalign explain`: why a network scores as it does, and what a change would do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from gradalign.cli._app import command
from gradalign.cli._options import DEFAULT_SCORES, MODEL, Circumstances, Display, Format, Proxies
from gradalign.cli._output import note, number, progress, write_csv, write_json, write_table
from gradalign.cli._page import write_page
from gradalign.cli.rank import By
from gradalign.explanation import Explanation, explained
from gradalign.explanation.edits import EDITS, Edit
from gradalign.explanation.paired import Against, Change, Edited, changes, edited
from gradalign.explanation.summary import heading, notes, tables
from gradalign.pages import explanation_page
from gradalign.proxies import PROXIES
from gradalign.report import render
from gradalign.scorer import named_proxies

SHOWN = 6
"""Edits that the terminal shows from either end."""

VERDICTS = {"better": "better", "worse": "worse", "open": "cannot be told", None: "not tested"}
"""What the table says of a change."""


@command
def explain(
    model: Annotated[str, typer.Argument(metavar="MODEL", show_default=False, help=MODEL)],
    circumstances: Circumstances,
    display: Display,
    *,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", metavar="MODEL", show_default=False, help="Another network, beside it."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", show_default=False, help="A page with pictures (.html)."
        ),
    ] = None,
    edits: Annotated[
        int, typer.Option("--edits", min=0, help="Changes of the network to measure, at most.")
    ] = EDITS,
    repeats: Annotated[
        int,
        typer.Option(
            "--repeats", min=1, help="Batches and initialisations that changes are measured on."
        ),
    ] = 5,
    by: By = "gradalign_plus",
    proxies: Proxies = DEFAULT_SCORES,
) -> int:
    """Which layers, classes, samples and pairs of samples conflict, and what a change would do."""
    asked = [each.name for each in named_proxies(proxies)]
    plan = circumstances.plan_of([*asked, PROXIES[by].name])
    scorer, seed = plan.scorer(), circumstances.seed
    candidate = plan.candidate(model)
    other = None if against is None else plan.candidate(against)
    own = explained(candidate, scorer, seed)
    changed = beside = None
    if own.failure is None:
        repeated = [scorer] * repeats
        with progress("measuring changes", 1, quiet=display.quiet) as bar:

            def tell(done: int, total: int) -> None:
                bar.update(bar.task_ids[0], completed=done, total=total)

            if other is not None:
                edit = Edit(other.name, other, "")
                found = changes(candidate, [edit], repeated, by=by, seed=seed, progress=tell)
                second = explained(other, scorer, seed)
                beside = Against(explanation=second, by=by, repeats=repeats, change=found[0])
            if edits:
                changed = edited(
                    candidate,
                    scorer.batch(candidate, seed),
                    repeated,
                    by=by,
                    limit=edits,
                    build=dict(plan.build),
                    seed=seed,
                    progress=tell,
                )
    if out is not None:
        write_page(render(explanation_page(own, edited=changed, against=beside)), out)
    _SHOW[display.format](own, changed, beside)
    if out is not None and display.format is Format.table:
        note(f"Page: {out}")
    return 0 if own.failure is None else 1


def _show_json(own: Explanation, changed: Edited | None, beside: Against | None) -> None:
    write_json(
        {
            **own.to_dict(),
            "edits": None if changed is None else changed.to_dict(),
            "against": None if beside is None else beside.to_dict(),
        }
    )


def _show_csv(own: Explanation, changed: Edited | None, beside: Against | None) -> None:
    """The layers: the other tables are in the JSON document."""
    del changed, beside
    frame = pd.json_normalize([asdict(row) for row in own.layers])
    write_csv(frame.rename(columns=lambda name: str(name).removeprefix("contributions.")))


def _show_table(own: Explanation, changed: Edited | None, beside: Against | None) -> None:
    if own.failure is not None:
        sys.stderr.write(f"gradalign: {own.model!r} cannot be explained: {own.failure}\n")
        return
    note(heading(own))
    for finding in own.findings:
        note(f"* {finding.text}")
    for title, (header, rows) in tables(own):
        note(f"\n{title}")
        write_table(header, rows)
    if beside is not None:
        _show_changes(f"Against it: {beside.change.name}", [beside.change], beside.by)
    if changed is not None:
        title = f"What changes do to {changed.by}, mean of {changed.repeats} repeats"
        if changed.known > len(changed.changes):
            title += f": {len(changed.changes)} of {changed.known} measured"
        _show_changes(title, changed.changes, changed.by)
    for line in notes(own):
        note(line)


def _show_changes(title: str, found: Sequence[Change], by: str) -> None:
    """Changes best first, those in the middle left out where there are many."""
    shown = [*found] if len(found) <= 2 * SHOWN else [*found[:SHOWN], None, *found[-SHOWN:]]
    rows = [["...", "", "", "", ""] if each is None else _change_row(each, by) for each in shown]
    note(f"\n{title}")
    write_table(["change", by, "difference", "95 %", "verdict"], rows)


def _change_row(change: Change, by: str) -> list[str]:
    difference = change.differences.get(by)
    if change.status != "ok" or difference is None:
        return [change.name, "-", "-", "-", change.status]
    ends = difference.interval
    interval = "-" if ends is None else f"[{number(ends[0])}, {number(ends[1])}]"
    after, mean = number(difference.after), number(difference.mean)
    return [change.name, after, mean, interval, VERDICTS[change.verdict]]


_SHOW: dict[Format, Callable[[Explanation, Edited | None, Against | None], None]] = {
    Format.json: _show_json,
    Format.csv: _show_csv,
    Format.table: _show_table,
}
