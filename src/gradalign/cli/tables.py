"""`gradalign tables`: every score on every benchmark at hand, as a paper shows it."""

from __future__ import annotations

import contextlib
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gradalign.benchmarks import get_benchmark
from gradalign.cli._app import command
from gradalign.cli._collect import Collected, held, measured
from gradalign.cli._options import Conditions, Protocol, SpaceOfFile
from gradalign.cli._output import note, terminal, write_csv, write_json, write_table
from gradalign.cli._sweep import Resources
from gradalign.comparison import Comparison, Grid, compare, grids, latex, markdown
from gradalign.cost import shares_the_pass
from gradalign.errors import InputError
from gradalign.evaluation.table import COVARIATES
from gradalign.proxies import PROXIES
from gradalign.sweep import Plan

DEFINED_OR_NOT = ("ok", "no_gradient", "nan", "inf")
"""Statuses of a measurement that was made: that a score is not defined is a finding."""


class TablesFormat(StrEnum):
    """How tables are written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"


SHARED = ",".join(name for name, proxy in PROXIES.items() if shares_the_pass(proxy))


@dataclass(frozen=True, kw_only=True)
class TablesConditions(Conditions):
    """What is measured where the store lacks it."""

    proxies: Annotated[
        str,
        typer.Option(
            "--proxies",
            metavar="A,B,..",
            show_default="all that one pass gives",
            help="Scores, or 'all'; their ablations, params, macs and layers are always there.",
        ),
    ] = SHARED

    @property
    def plan(self) -> Plan:
        """What is measured: also what every score has to beat."""
        plan = super().plan
        return replace(
            plan, proxies=tuple(dict.fromkeys([*plan.proxies, *COVARIATES]))
        ).with_ablations()

    @property
    def shown(self) -> tuple[str, ...] | None:
        """What is shown of what a store holds, where nothing is measured; None: all of it.

        Raises:
            InputError: A condition of a measurement differs from its default.
        """
        default = TablesConditions()
        chosen = replace(default, proxies=self.proxies, combine=self.combine, seed=self.seed)
        if self != chosen:
            raise InputError(
                "without --sample nothing is measured, and no conditions apply: choose among the "
                "scores of a store by --protocol"
            )
        return None if self.proxies == default.proxies else self.plan.proxies


@dataclass(frozen=True, kw_only=True)
class TablesDisplay:
    """How the tables are shown."""

    format: Annotated[TablesFormat, typer.Option("--format", help="Of the tables.")] = (
        TablesFormat.table
    )
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", show_default="stdout", help="Where they go."),
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False


@command
def tables(
    conditions: TablesConditions,
    resources: Resources,
    display: TablesDisplay,
    *,
    benchmarks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="BENCHMARK...",
            show_default=False,
            help="Names, or Parquet or CSV files with arch and accuracies; by default those at "
            "hand for the networks of the store.",
        ),
    ] = None,
    db: Annotated[Path, typer.Option("--db", metavar="FILE", help="The store of scores.")] = Path(
        "tables.db"
    ),
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            min=1,
            metavar="N",
            help="Draw N networks of each benchmark by --seed, and measure what the store lacks.",
        ),
    ] = None,
    space: SpaceOfFile = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="M,..",
            show_default="one for each data set; of a file, the first",
            help="Which accuracies.",
        ),
    ] = None,
    protocol: Protocol = None,
) -> int:
    """Scores on benchmarks as a paper compares them: tau, partial tau, selection and cost."""
    combined = conditions.aggregates
    metrics = [text.strip() for text in (metric or "").split(",") if text.strip()]
    named = [get_benchmark(name, space) for name in dict.fromkeys(benchmarks or ())]
    with _output(display.out):
        if sample is None:
            found = held(db, named, metrics, combined, conditions.shown, protocol, conditions.seed)
        elif protocol is None:
            found = measured(
                db,
                named,
                metrics,
                combined,
                conditions.plan,
                resources,
                sample=sample,
                seed=conditions.seed,
                quiet=display.quiet,
            )
        else:
            raise InputError("--protocol is of no use with --sample, which measures: leave it out")
        comparison = compare(found.evaluations, combined=[each.name for each in combined])
        _SHOW[display.format](comparison, found)
    return _told_failures(found.statuses)


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[None]:
    """Context whose stdout goes to a file, which is written at the end."""
    if path is None:
        yield
        return
    if not path.absolute().parent.is_dir():
        raise InputError(f"no folder for {str(path)!r}: make it, or give another --out")
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        yield
    try:
        path.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror}") from None


def _show_table(comparison: Comparison) -> None:
    for grid in grids(comparison):
        terminal().print(Text(grid.title, style="bold"))
        write_table(["", *grid.columns], [*_rows(grid)])
        for line in grid.notes:
            note(line)
        terminal().print()


def _rows(grid: Grid) -> Iterator[list[str]]:
    for name, cells in grid.lines():
        if cells is None:
            yield [name, *[""] * len(grid.columns)]
        else:
            yield [f"  {name}", *(cell.text for cell in cells)]


def _show_json(comparison: Comparison, found: Collected) -> None:
    protocols = {name: dict(conditions) for name, conditions in found.protocols.items()}
    write_json({"protocols": protocols, **comparison.to_dict()})


_SHOW: Mapping[TablesFormat, Callable[[Comparison, Collected], None]] = {
    TablesFormat.table: lambda comparison, _: _show_table(comparison),
    TablesFormat.json: _show_json,
    TablesFormat.csv: lambda comparison, _: write_csv(comparison.to_frame()),
    TablesFormat.markdown: lambda comparison, _: _write(markdown(grids(comparison))),
    TablesFormat.latex: lambda comparison, _: _write(latex(grids(comparison))),
}


def _write(text: str) -> None:
    sys.stdout.write(text)


def _told_failures(statuses: Counter[str]) -> int:
    """One line on stderr about what could not be measured, if anything; the exit code."""
    failed = {name: count for name, count in statuses.items() if name not in DEFINED_OR_NOT}
    if not failed:
        return 0
    kinds = ", ".join(f"{count:,} {name}" for name, count in failed.items())
    sys.stderr.write(
        f"gradalign: {sum(failed.values()):,} of {statuses.total():,} scores failed: {kinds}\n"
    )
    return 1
