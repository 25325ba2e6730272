"""`gradalign search`: the best network that a budget allows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from gradalign.cli._app import command
from gradalign.cli._executor import Execution
from gradalign.cli._options import Circumstances, Display, Format, Workers
from gradalign.cli._output import note, progress, write_csv, write_json, write_table
from gradalign.cli._page import write_page
from gradalign.cli._quantities import parse_count, parse_seconds
from gradalign.cli._sweep import Resources, Timeout, parse_bytes
from gradalign.pages.search import search_page
from gradalign.report import render
from gradalign.scorer import named_proxies
from gradalign.search.bounds import Bounds
from gradalign.search.final import BEST, Final
from gradalign.search.objective import DEFAULT, parse_objectives
from gradalign.search.progress import Progress
from gradalign.search.request import Request
from gradalign.search.result import SearchResult
from gradalign.search.run import Effort, run_search
from gradalign.search.subject import as_subject

FOLDER = Path("search")
"""Where finalists are trained unless told."""

PAGE = "search.html"


def _at_most(option: str, metavar: str, what: str) -> object:
    return typer.Option(option, metavar=metavar, show_default="no limit", help=what)


@dataclass(frozen=True, kw_only=True)
class Most:
    """What a network may take."""

    max_params: Annotated[
        str | None, _at_most("--max-params", "N", "Most trainable parameters, such as 0.8M.")
    ] = None
    max_macs: Annotated[
        str | None, _at_most("--max-macs", "N", "Most multiply-adds of one sample, such as 100M.")
    ] = None
    max_flops: Annotated[
        str | None,
        _at_most("--max-flops", "N", "Most operations of one sample: two a multiply-add."),
    ] = None
    max_latency: Annotated[
        str | None,
        _at_most("--max-latency", "TIME", "Most time for one sample on this device, such as 5ms."),
    ] = None
    max_memory: Annotated[
        str | None,
        _at_most("--max-memory", "BYTES", "Most memory for the activations of one sample."),
    ] = None
    max_training_memory: Annotated[
        str | None,
        _at_most(
            "--max-training-memory",
            "BYTES",
            "Most memory for activations and gradients of a training step on the batch.",
        ),
    ] = None

    @property
    def bounds(self) -> Bounds:
        """As the library has them.

        Raises:
            InputError: A limit that cannot be read, or is not above 0.
        """
        return Bounds(
            params=_read(parse_count, self.max_params),
            macs=_read(parse_count, self.max_macs),
            flops=_read(parse_count, self.max_flops),
            latency=_read(parse_seconds, self.max_latency),
            inference_memory=_read(parse_bytes, self.max_memory),
            training_memory=_read(parse_bytes, self.max_training_memory),
        )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is searched for, and how long."""

    budget: Annotated[
        int | None,
        typer.Option(
            "--budget", min=1, show_default="100, or none with --time", help="How many to score."
        ),
    ] = None
    time: Annotated[
        str | None,
        typer.Option("--time", show_default="no limit", help="Time for it, such as 30s or 10m."),
    ] = None
    sampler: Annotated[
        str,
        typer.Option("--sampler", metavar="NAME", help="What proposes; gradalign list samplers."),
    ] = "evolution"
    objective: Annotated[
        str,
        typer.Option(
            "--objective",
            metavar="A,B,..",
            help="A score, a cost (wanted low), an aggregate, or NAME=A+B for a rank sum; with "
            "several the answer is their Pareto front.",
        ),
    ] = DEFAULT
    proxies: Annotated[
        str | None,
        typer.Option("--proxies", metavar="A,B,..", help="What else to measure of each network."),
    ] = None
    among: Annotated[
        str | None,
        typer.Option(
            "--among", metavar="TABLE", help="Only the architectures of a benchmark, or of a file."
        ),
    ] = None
    latency_table: Annotated[
        str | None,
        typer.Option(
            "--latency-table",
            metavar="TABLE:COLUMN",
            help="Latencies in milliseconds: a benchmark or a .parquet or .csv file.",
        ),
    ] = None
    repeats: Annotated[
        int,
        typer.Option("--repeats", min=1, help="Seeds with which the best five are measured again."),
    ] = 3

    @property
    def effort(self) -> Effort:
        """How long.

        Raises:
            InputError: A time that cannot be read.
        """
        seconds = _read(parse_seconds, self.time)
        budget = 100 if self.budget is None and seconds is None else self.budget
        return Effort(budget=budget, seconds=seconds, repeats=self.repeats)

    def request(self, bounds: Bounds, seed: int) -> Request:
        """What is asked.

        Raises:
            InputError: A name that does not exist.
        """
        return Request(
            sampler=self.sampler,
            objectives=parse_objectives(self.objective),
            bounds=bounds,
            seed=seed,
            further=tuple(p.name for p in named_proxies(self.proxies)) if self.proxies else (),
            among=self.among,
            latency_table=self.latency_table,
        )


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What is done with the best."""

    finalists: Annotated[
        int, typer.Option("--finalists", min=0, help="How many of the best are trained.")
    ] = 0
    train: Annotated[
        str,
        typer.Option(
            "--train",
            metavar="SPEC",
            show_default="8 epochs of SGD",
            help="How, such as epochs=12,lr=0.05; table or table:METRIC: published accuracies.",
        ),
    ] = ""
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            show_default="search, where finalists are trained",
            help="Folder for the winner, its weights, a script that rebuilds it, and a page.",
        ),
    ] = None

    @property
    def final(self) -> Final:
        """As the library has it."""
        final = Final(count=self.finalists, train=self.train, folder=self.out or FOLDER)
        return final if final.trains or self.out else replace(final, folder=None)


@command
def search(
    wanted: Wanted,
    most: Most,
    ending: Ending,
    circumstances: Circumstances,
    execution: Execution,
    display: Display,
    *,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SPACE",
            show_default=False,
            help="A search space, or a function of an Optuna trial: pkg.mod:build, file.py:build.",
        ),
    ],
    workers: Workers = 2,
    timeout: Timeout = 600.0,
    db: Annotated[
        Path, typer.Option("--db", metavar="FILE", help="The study; the same command goes on.")
    ] = Path("search.db"),
) -> int:
    """Find the best network within hard limits, by scores without training."""
    request = wanted.request(most.bounds, circumstances.seed)
    effort, final = wanted.effort, ending.final
    plan = circumstances.plan_of(request.measured)
    found = as_subject(subject, plan, wanted.among)
    executor = execution.start(plan, Resources(workers=workers, timeout=timeout))
    with _shown(effort, db, quiet=display.quiet) as (searching, training):
        result = run_search(
            found,
            request,
            plan,
            effort,
            executor=executor,
            db=db,
            final=final,
            progress=searching,
            training=training,
        )
    if final.folder is not None:
        write_page(render(search_page(result)), final.folder / PAGE)
    _SHOW[display.format](result)
    if final.folder is not None and display.format is Format.table:
        note(f"Winner: {final.folder / BEST}; page: {final.folder / PAGE}.")
    return 1 if result.progress.failures else 0


@contextmanager
def _shown(
    effort: Effort, db: Path, *, quiet: bool
) -> Iterator[tuple[Callable[[Progress], None], Callable[[int, int], None]]]:
    """Context with what is told how far search and training are; Ctrl-C says how to go on."""
    with progress("searching", effort.budget or 0, quiet=quiet) as bar:
        epochs = bar.add_task("training", total=1, visible=False)
        try:
            yield (
                lambda state: bar.update(bar.task_ids[0], completed=state.evaluations),
                lambda done, every: bar.update(epochs, completed=done, total=every, visible=True),
            )
        except KeyboardInterrupt:
            sys.stderr.write(
                f"gradalign: stopped; what was found is in {db}, and the same command goes on\n"
            )
            raise


def _read(parse: Callable[[str], float], text: str | None) -> float | None:
    return None if text is None else parse(text)


def _show_table(result: SearchResult) -> None:
    header, *rows = result.rows()
    write_table(header, rows)
    for line in result.notes():
        note(line)
    note(f"Study: {result.db}; gradalign report {result.db} shows its records.")


_SHOW: dict[Format, Callable[[SearchResult], None]] = {
    Format.json: lambda result: write_json(result.to_dict()),
    Format.csv: lambda result: write_csv(result.to_frame()),
    Format.table: _show_table,
}
