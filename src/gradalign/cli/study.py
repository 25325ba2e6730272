"""`gradalign study`: the arguments of the paper, rerun on this machine."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gradalign.cli._app import app, command
from gradalign.cli._options import Display, Format, Seed, Workers
from gradalign.cli._output import note, progress, write_json
from gradalign.cli._page import write_page
from gradalign.cli._sweep import LINE_EVERY
from gradalign.errors import InputError
from gradalign.report import render
from gradalign.studies import Document, Ledger, Study, Workshop
from gradalign.studies.convergence import CONVERGENCE
from gradalign.studies.convergence import Options as ConvergenceOptions
from gradalign.studies.convergence import run as run_convergence

study = typer.Typer(help="Studies that anyone can rerun: results, findings, a page with pictures.")
app.add_typer(study, name="study")
study_command = partial(command, of=study)


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where a study works."""

    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            show_default=False,
            help="Folder of results (.json), page (.html) and finished tasks (.jsonl); the same "
            "command goes on where it was stopped.",
        ),
    ]
    workers: Workers = 2


@study_command
def convergence(
    files: Files,
    display: Display,
    *,
    networks: Annotated[
        int, typer.Option("--networks", min=1, help="Networks of each of the three spaces.")
    ] = 16,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each network.")] = 5,
    seed: Seed = 0,
) -> int:
    """Whether gradient conflict before training slows convergence: real trainings on digits."""
    options = ConvergenceOptions(networks=networks, seeds=seeds, seed=seed)
    return _carried_out(CONVERGENCE, partial(run_convergence, options=options), files, display)


def _carried_out(
    asked: Study, run: Callable[[Workshop], Document], files: Files, display: Display
) -> int:
    """Run a study, write its results and its page, and show what came out."""
    if display.format is Format.csv:
        raise InputError("a study is no table: choose --format table or json")
    ledger = Ledger(files.out / f"{asked.name}.jsonl")
    with _told(quiet=display.quiet) as tell:
        try:
            document = run(Workshop(ledger, files.workers, tell))
        except KeyboardInterrupt:
            sys.stderr.write(
                f"gradalign: stopped; what is done is in {str(files.out)!r}, and the same command "
                "goes on\n"
            )
            raise
    document = {**document, "findings": asked.findings(document)}
    target = files.out / f"{asked.name}.json"
    write_page(json.dumps(document, indent=1, allow_nan=False) + "\n", target)
    write_page(render(asked.page(document)), target.with_suffix(".html"))
    if display.format is Format.json:
        write_json(document)
    else:
        for finding in document["findings"]:
            note(finding)
        note(f"Results: {target}")
        note(f"Page: {target.with_suffix('.html')}")
    return 0


@contextmanager
def _told(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """How far a study is: a bar on a terminal, now and then a line elsewhere."""
    last = time.monotonic()
    with progress("starting", 1, quiet=quiet) as bar:

        def tell(what: str, done: int, total: int) -> None:
            nonlocal last
            bar.update(bar.task_ids[0], description=what, completed=done, total=total)
            late = time.monotonic() - last >= LINE_EVERY
            if late and not quiet and not sys.stderr.isatty():
                last = time.monotonic()
                sys.stderr.write(f"gradalign: {what}, {done:,} of {total:,}\n")

        yield tell
