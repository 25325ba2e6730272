"""`gradalign evaluate`: how well scores order networks by trained accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from gradalign.benchmarks import get_benchmark
from gradalign.cli._app import command
from gradalign.cli._options import (
    Combine,
    Display,
    Format,
    Protocol,
    Seed,
    SpaceOfFile,
    parse_aggregates,
)
from gradalign.cli._output import note, number, terminal, write_csv, write_json, write_table
from gradalign.cli._scores import comparable, read_scores
from gradalign.comparison import aggregates_of, evaluated, gains, inseparable
from gradalign.comparison.grid import decimal
from gradalign.errors import InputError
from gradalign.evaluation import Evaluation, Row

Pair = Sequence[float] | None


@command
def evaluate(
    file: Annotated[
        Path,
        typer.Argument(
            show_default=False,
            help="A store; or CSV or Parquet: columns model, proxy, value; or arch and a column a "
            "score.",
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
    space: SpaceOfFile = None,
    protocol: Protocol = None,
    combine: Combine = [],  # noqa: B006 - typer copies it, and needs an empty list to say "none"
    seed: Seed = 0,
) -> int:
    """Rank statistics of scores against trained accuracies, with intervals and baselines."""
    table = get_benchmark(benchmark, space)
    asked = table.metric(metric)
    if asked.better == "lower":
        raise InputError(
            f"low values of {asked.name!r} in {table.name!r} are wanted, and evaluate compares "
            "scores with what is wanted high: choose an accuracy"
        )
    combined = parse_aggregates(combine)
    scores = comparable(read_scores(file, protocol), table.space, file)
    found = evaluated(
        scores, table, asked.name, aggregates=aggregates_of(scores, combined), seed=seed
    )
    _SHOW[display.format](found)
    return 0


def _show_table(found: Evaluation) -> None:
    for show in (_show_ranking, _show_selection, _show_gains):
        show(found)
        terminal().print()
    if found.unmatched:
        note(f"{found.unmatched:,} scored networks are not in the benchmark and were left out.")
    for row in found.rows:
        if row.cost is not None:
            note(f"{row.proxy}: costs {row.cost}.")


def _show_ranking(found: Evaluation) -> None:
    near = inseparable(found)
    repeated = any(row.seeds > 1 for row in found.rows)
    header = ["proxy", "tau", "95 %", "partial", "95 %", "rho", "weighted", "top 10 %"]
    header += ["nDCG", "top 5 %", *["seeds ±"] * repeated, "coverage", "failed", "seconds"]
    write_table(header, [_ranking_cells(row, row.proxy in near, repeated) for row in found.rows])
    note(
        f"{found.n:,} networks, {found.metric} of {found.benchmark}. tau: Kendall's tau-b, "
        "positive where the score points where it promises to, with its 95 % interval "
        f"({found.interval_method}) over networks. *: the best, and what cannot be told apart from "
        "it (paired difference, p at least .05 after Holm's correction). partial: with params, "
        "macs and layers held constant. rho: Spearman's. weighted: tau that gives weight to the "
        "best. top 10 %: tau in the best tenth. nDCG: at the best tenth. top 5 %: share of the "
        "best twentieth by score that is of the best twentieth by accuracy. "
        + "seeds ±: standard deviation of tau over seeds. " * repeated
        + "Networks without a value are ranked last."
    )
    if found.noise_ceiling is not None:
        ceiling = found.noise_ceiling
        note(
            f"Noise ceiling: two of its {ceiling.trainings} trainings agree with tau "
            f"{ceiling.between:.3f} on average; a perfect score would reach {ceiling.of_mean:.3f} "
            "with their mean."
        )


def _ranking_cells(row: Row, best: bool, repeated: bool) -> list[str]:  # noqa: FBT001
    return [
        row.proxy,
        f"{_decimal(row.kendall_tau)}{'*' * best}",
        _interval(row.kendall_tau_ci),
        _decimal(row.partial_tau),
        _interval(row.partial_tau_ci),
        _decimal(row.spearman_rho),
        _decimal(row.weighted_tau),
        _decimal(row.top10_tau),
        _decimal(row.ndcg10),
        _decimal(row.precision5),
        *[number(row.tau_sd_over_seeds, 2)] * repeated,
        f"{row.coverage:.0%}",
        f"{row.failed:,}",
        number(row.seconds, 2),
    ]


def _show_selection(found: Evaluation) -> None:
    baselines = found.baselines
    draws = [draw for draw, selected in baselines["random"].items() if selected is not None]
    header = ["selection", *(f"best of {draw:,}" for draw in draws), "best of all", "regret"]
    rows = [
        [row.proxy, *(_mean(row.selected_accuracy.get(draw)) for draw in draws), *_picked(row)]
        for row in found.rows
    ]
    for title, name in (("random choice", "random"), ("oracle", "oracle")):
        rows.append([title, *(_mean(baselines[name][draw]) for draw in draws), "", ""])
    write_table(header, rows)
    note(
        "best of N: accuracy of the network with the best score among N drawn at random, mean and "
        "standard deviation over all draws. The oracle takes the most accurate of them. best of "
        "all: the network that the score picks from all. regret: how much that falls short."
    )


def _picked(row: Row) -> Iterator[str]:
    for value in (row.picked, row.regret):
        yield "-" if value is None else f"{value:.2f}"


def _show_gains(found: Evaluation) -> None:
    rows = [
        [
            pair.proxy_a,
            pair.proxy_b,
            _decimal(pair.difference),
            _interval(pair.difference_ci),
            number(pair.p, 2),
            number(pair.p_holm, 2),
        ]
        for pair in gains(found)
    ]
    if not rows:
        return
    write_table(["gain of", "over", "difference", "95 %", "p", "Holm's p"], rows, left=2)
    note(
        "Gain: tau of a score less that of its ablation, what is left of it when its idea is taken "
        "out, on the same networks. Holm's p: corrected for all pairs of rows."
    )


def _interval(pair: Pair) -> str:
    return "-" if pair is None else f"{decimal(pair[0])} to {decimal(pair[1])}"


def _decimal(value: float | None) -> str:
    return "-" if value is None else decimal(value)


def _mean(pair: Pair) -> str:
    return "-" if pair is None else f"{pair[0]:.2f} ±{pair[1]:.2f}"


_SHOW: dict[Format, Callable[[Evaluation], None]] = {
    Format.json: lambda found: write_json(found.to_dict()),
    Format.csv: lambda found: write_csv(found.to_frame()),
    Format.table: _show_table,
}
