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

from gradalign.benchmarks import get_benchmark
from gradalign.cli._app import app, command
from gradalign.cli._options import Display, Format, Seed, SpaceOfFile, Workers
from gradalign.cli._output import note, progress, write_json
from gradalign.cli._page import write_page
from gradalign.cli._studied import renamed, studied
from gradalign.cli._sweep import LINE_EVERY
from gradalign.comparison import default_metrics
from gradalign.errors import InputError
from gradalign.report import render
from gradalign.studies import Document, Ledger, Study, Workshop
from gradalign.studies.convergence import CONVERGENCE
from gradalign.studies.convergence import Options as ConvergenceOptions
from gradalign.studies.convergence import run as run_convergence
from gradalign.studies.linear_regions import LINEAR_REGIONS
from gradalign.studies.linear_regions import Options as RegionOptions
from gradalign.studies.linear_regions import run as run_linear_regions
from gradalign.studies.mislabelled import MISLABELLED
from gradalign.studies.mislabelled import Options as MislabelledOptions
from gradalign.studies.mislabelled import run as run_mislabelled
from gradalign.studies.search import SEARCH
from gradalign.studies.search import Options as SearchOptions
from gradalign.studies.search import run as run_search
from gradalign.studies.sensitivity import NETWORKS, SENSITIVITY
from gradalign.studies.sensitivity import run as run_sensitivity

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
def linear_regions(
    files: Files,
    display: Display,
    *,
    benchmark: Annotated[
        list[str] | None,
        typer.Option(
            "--benchmark",
            metavar="B",
            show_default="those at hand",
            help="Name or file of a table of accuracies; repeatable.",
        ),
    ] = None,
    networks: Annotated[
        int, typer.Option("--networks", min=1, help="Networks of each benchmark.")
    ] = 120,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each stack.")] = 5,
    seed: Seed = 0,
) -> int:
    """Whether the number of linear regions at initialization is enough to rank networks by.

    Without --benchmark: nb201 and digits, which are embedded; nb101, nb_macro and darts1000 where
    they are at hand; and nb101_dev, darts_dev and nb_macro_dev (.parquet) in the folder that
    GRADALIGN_DATA names.
    """
    tables = [(each, default_metrics(each)[0]) for each in studied(benchmark or ())]
    options = RegionOptions(networks=networks, seeds=seeds, seed=seed)
    run = partial(run_linear_regions, benchmarks=tables, options=options)
    return _carried_out(LINEAR_REGIONS, run, files, display)


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


@study_command
def sensitivity(
    files: Files,
    display: Display,
    *,
    benchmark: Annotated[
        str, typer.Option("--benchmark", metavar="B", help="Name or file of a table of accuracies.")
    ] = "nb201",
    space: SpaceOfFile = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="M", show_default="the first", help="Which accuracy."),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            "--images",
            metavar="DATA",
            show_default="none",
            help="Natural images to compare digits and noise with, such as npz:FILE.",
        ),
    ] = None,
    networks: Annotated[int, typer.Option("--networks", min=3, help="Networks of it.")] = NETWORKS,
    seed: Seed = 0,
) -> int:
    """How scores move with batch, images, initialisation and pass, and how cheap a probe can be."""
    table = renamed(get_benchmark(benchmark, space))
    run = partial(
        run_sensitivity,
        benchmark=table,
        metric=metric or default_metrics(table)[0],
        networks=networks,
        seed=seed,
        images=images,
    )
    return _carried_out(SENSITIVITY, run, files, display)


@study_command
def search(
    files: Files,
    display: Display,
    *,
    runs: Annotated[
        int, typer.Option("--runs", min=2, help="Simulated searches of each strategy.")
    ] = 200,
    budget: Annotated[
        float,
        typer.Option("--budget", metavar="TRAININGS", min=1, help="Of each, in average trainings."),
    ] = 100,
    networks: Annotated[
        int | None,
        typer.Option("--networks", min=50, show_default="all", help="Networks of the table."),
    ] = None,
    seed: Seed = 0,
) -> int:
    """How much training a score saves a search: strategies on NAS-Bench-201, at equal cost."""
    options = SearchOptions(runs=runs, budget=budget, networks=networks, seed=seed)
    run = partial(run_search, folder=files.out, options=options)
    return _carried_out(SEARCH, run, files, display)


@study_command
def mislabelled(
    files: Files,
    display: Display,
    *,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each network.")] = 10,
    seed: Seed = 0,
) -> int:
    """How well mislabelled samples stand out in the gradients of a batch, as training goes on."""
    options = MislabelledOptions(seeds=seeds, seed=seed)
    return _carried_out(MISLABELLED, partial(run_mislabelled, options=options), files, display)


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
