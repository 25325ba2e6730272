"""`gradalign evaluate`: how well scores in a file order networks by trained accuracy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandas as pd
import pyarrow as pa
import typer

from gradalign.benchmarks import Benchmark, get_benchmark
from gradalign.cli._app import command
from gradalign.cli._options import Display, Format, Seed
from gradalign.cli._output import note, number, write_csv, write_json, write_table
from gradalign.errors import InputError
from gradalign.evaluation import Evaluation, Row
from gradalign.evaluation import evaluate as evaluate_scores
from gradalign.proxies import PROXIES

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": pd.read_csv,
    ".parquet": pd.read_parquet,
}

LONG_FORM = ("model", "proxy", "value")


@command
def evaluate(
    file: Annotated[
        Path,
        typer.Argument(
            show_default=False,
            help="CSV or Parquet: columns model, proxy, value; or arch and a column a score.",
        ),
    ],
    display: Display,
    *,
    benchmark: Annotated[
        str,
        typer.Option(
            "--benchmark",
            metavar="B",
            show_default=False,
            help="A name, see gradalign list benchmarks, or a file with arch and accuracies.",
        ),
    ],
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="M", show_default="the first", help="Which accuracy."),
    ] = None,
    seed: Seed = 0,
) -> int:
    """Rank statistics of scores against trained accuracies, with intervals and baselines."""
    table = get_benchmark(benchmark)
    asked = table.metric(metric)
    if asked.better == "lower":
        raise InputError(
            f"low values of {asked.name!r} in {table.name!r} are wanted, and evaluate compares "
            "scores with what is wanted high: choose an accuracy"
        )
    chosen = asked.name
    found = evaluate_scores(
        read_scores(file),
        table,
        chosen,
        directions={name: proxy.better for name, proxy in PROXIES.items()},
        early_stopped=short_training(table, chosen),
        seed=seed,
    )
    if display.format is Format.json:
        write_json(found.to_dict())
    elif display.format is Format.csv:
        write_csv(found.to_frame())
    else:
        _show_table(found)
    return 0


def read_scores(path: Path) -> pd.DataFrame:
    """Scores in the long form: columns model, proxy, value and what else there is.

    Raises:
        InputError: No such file, another format, or other columns.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{str(path)!r} is neither .csv nor .parquet: scores are in one of them")
    try:
        frame = reader(path)
    except FileNotFoundError:
        raise InputError(f"no file {str(path)!r}: give a file of scores") from None
    except (ValueError, OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["it is broken"])[0]
        raise InputError(f"{str(path)!r} cannot be read: {reason}") from None
    if set(LONG_FORM) <= set(frame.columns):
        return frame
    if "arch" not in frame.columns:
        found = ", ".join(map(str, frame.columns[:10])) or "none"
        raise InputError(
            f"{str(path)!r} has neither the columns model, proxy, value nor arch and a column a "
            f"score; found: {found}"
        )
    return _long(frame, path)


def _long(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    scores = [c for c in frame.columns if c != "arch" and pd.api.types.is_numeric_dtype(frame[c])]
    if not scores:
        raise InputError(f"{str(path)!r} has no column of numbers beside 'arch': add one a score")
    long = frame.melt(id_vars="arch", value_vars=scores, var_name="proxy", value_name="value")
    return long.rename(columns={"arch": "model"})


def short_training(table: Benchmark, metric: str) -> dict[str, tuple[str, str]]:
    """The row of short training, if the benchmark has one for this metric: column and cost."""
    short = table.early_stopped.get(metric)
    if short is None or table.frame[short.metric].isna().all():
        return {}
    cost = f"{short.epochs} of {short.full_epochs} epochs on {short.trained_on}"
    return {f"training, {short.epochs} epochs": (short.metric, cost)}


def _show_table(found: Evaluation) -> None:
    header = ["proxy", "tau", "95 %", "rho", "partial", "top 10 %", "picked", "coverage", "seconds"]
    write_table(header, [_cells(row) for row in found.rows])
    note(
        f"{found.n:,} networks, {found.metric} of {found.benchmark}. tau: Kendall's tau-b, "
        "positive where the score points where it promises to. partial: with params, macs and "
        "layers held constant. picked: accuracy of the network with the best score. Networks "
        "without a value are ranked last."
    )
    if found.unmatched:
        note(f"{found.unmatched:,} scored networks are not in the benchmark and were left out.")
    for row in found.rows:
        if row.cost is not None:
            note(f"{row.proxy}: costs {row.cost}.")


def _cells(row: Row) -> list[str]:
    low, high = row.kendall_tau_ci or (None, None)
    return [
        row.proxy,
        number(row.kendall_tau, 3),
        "-" if low is None else f"{number(low, 3)} to {number(high, 3)}",
        number(row.spearman_rho, 3),
        number(row.partial_tau, 3),
        number(row.top10_tau, 3),
        "-" if row.picked is None else f"{row.picked:.2f}",
        f"{row.coverage:.0%}",
        number(row.seconds, 2),
    ]
