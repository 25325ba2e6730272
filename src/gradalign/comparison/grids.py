"""The tables that a comparison is shown as."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gradalign.comparison.grid import Cell, Grid, Group, deviation, interval
from gradalign.comparison.pairs import ablation_of, difference, inseparable
from gradalign.comparison.table import GROUPS, Comparison, Line, Mean
from gradalign.evaluation import Evaluation, Row

Cells = tuple[Cell, ...]


def grids(found: Comparison) -> tuple[Grid, ...]:
    """Tau, partial tau, gains over ablations, accuracy of the selected network, cost: a table each.

    A table without any value is left out.
    """
    tables = (_tau(found), _partial_tau(found), _gains(found), _selected(found), _cost(found))
    return tuple(grid for grid in tables if _has_values(grid))


def _has_values(grid: Grid) -> bool:
    return any(cell != Cell() for _, cells in grid.lines() for cell in cells or ())


def label(found: Evaluation) -> str:
    """How a column is headed: benchmark, a file by its stem, and metric."""
    return f"{short_name(found)} {found.metric}"


def short_name(found: Evaluation) -> str:
    """The benchmark's name; of a file, without its folder and suffix."""
    path = Path(found.benchmark)
    return path.stem if path.suffix.lower() in {".csv", ".parquet"} else found.benchmark


def _tau(found: Comparison) -> Grid:
    best = [inseparable(each) for each in found.evaluations]

    def cells(line: Line) -> Cells:
        own = tuple(
            interval(row.kendall_tau, row.kendall_tau_ci, best=row.proxy in near)
            if row is not None
            else Cell()
            for row, near in zip(line.rows, best, strict=True)
        )
        return (*own, *_mean_cell(found, line.tau))

    sizes = "; ".join(f"{label(each)}: {each.n:,} networks" for each in found.evaluations)
    notes = [
        "Positive where the score points where it promises to. In brackets the 95 % interval over "
        "networks. Networks without a value are ranked last.",
        "Marked are the best score of a column and those that cannot be told apart from it (paired "
        "difference, p at least .05 after Holm's correction); short training is not among them.",
        *_mean_note(found),
        f"{sizes}.",
        *_unmatched(found),
    ]
    return Grid(
        title="Kendall's tau-b with trained accuracy",
        columns=(*map(label, found.evaluations), *_mean_heading(found)),
        groups=(*_groups(found, cells), *_ceiling(found)),
        notes=tuple(notes),
    )


def _ceiling(found: Comparison) -> tuple[Group, ...]:
    """What a perfect score would reach, where single trainings say how much is chance."""
    ceilings = [each.noise_ceiling for each in found.evaluations]
    if not any(ceilings):
        return ()
    cells = [Cell() if each is None else interval(each.of_mean, None) for each in ceilings]
    row = ("noise ceiling", (*cells, *_mean_cell(found, None)))
    return (Group(title="A perfect score, given how trainings differ", rows=(row,)),)


def _partial_tau(found: Comparison) -> Grid:
    def cells(line: Line) -> Cells:
        own = tuple(
            Cell() if row is None else interval(row.partial_tau, row.partial_tau_ci)
            for row in line.rows
        )
        return (*own, *_mean_cell(found, line.partial_tau))

    return Grid(
        title="Kendall's tau-b with params, macs and layers held constant",
        columns=(*map(label, found.evaluations), *_mean_heading(found)),
        groups=_groups(found, cells),
        notes=("In brackets the 95 % interval over networks.",),
    )


def _gains(found: Comparison) -> Grid:
    names = {line.name: ablation_of(line.name) for line in found.lines}

    def cells(line: Line) -> Cells:
        pairs = [difference(each, line.name, names[line.name] or "") for each in found.evaluations]
        return tuple(
            Cell() if pair is None else interval(pair.difference, pair.difference_ci)
            for pair in pairs
        )

    def title(line: Line) -> str:
        return f"{line.name} over {names[line.name]}"

    kept = tuple(line for line in found.lines if names[line.name] in names)
    return Grid(
        title="Tau of a score less that of its ablation",
        columns=tuple(map(label, found.evaluations)),
        groups=_groups(replace(found, lines=kept), cells, title),
        notes=(
            "An ablation is what is left of a score when its idea is taken out. In brackets the "
            "95 % interval of the paired difference, on the same networks.",
        ),
    )


def _mean_heading(found: Comparison) -> tuple[str, ...]:
    return ("mean",) if len(found.evaluations) > 1 else ()


def _mean_cell(found: Comparison, mean: Mean | None) -> Cells:
    if len(found.evaluations) == 1:
        return ()
    return (Cell() if mean is None else interval(mean.value, mean.ci),)


def _mean_note(found: Comparison) -> tuple[str, ...]:
    if len(found.evaluations) == 1:
        return ()
    return (
        "The mean is over all columns, for scores that have them all; its interval takes the "
        "metrics of one benchmark to err together, and benchmarks independently.",
    )


def _unmatched(found: Comparison) -> Iterator[str]:
    told: set[str] = set()
    for each in found.evaluations:
        if each.unmatched and each.benchmark not in told:
            told.add(each.benchmark)
            yield (
                f"{each.unmatched:,} scored networks have no {each.metric} in {short_name(each)} "
                "and were left out."
            )


def _selected(found: Comparison) -> Grid:
    draws = [_draw(each) for each in found.evaluations]

    def cells(line: Line) -> Cells:
        return tuple(
            Cell() if row is None or draw is None else deviation(row.selected_accuracy.get(draw))
            for row, draw in zip(line.rows, draws, strict=True)
        )

    headings = [
        label(each) if draw is None else f"{label(each)}, best of {draw}"
        for each, draw in zip(found.evaluations, draws, strict=True)
    ]
    groups = (*_groups(found, cells), _baselines(found.evaluations, draws))
    return Grid(
        title="Accuracy of the network that a score selects",
        columns=tuple(headings),
        groups=groups,
        notes=(
            "Of so many networks drawn at random, the one with the best score is taken: mean and "
            "standard deviation of its accuracy over all draws. The oracle takes the most accurate "
            "one.",
        ),
    )


def _draw(found: Evaluation) -> int | None:
    """100 where the pool is larger, else what it has room for."""
    random = found.baselines["random"]
    return next((draw for draw in (100, 10) if random.get(draw) is not None), None)


def _baselines(evaluations: Sequence[Evaluation], draws: Sequence[int | None]) -> Group:
    def cells(name: str) -> Cells:
        return tuple(
            Cell() if draw is None else deviation(found.baselines[name][draw])
            for found, draw in zip(evaluations, draws, strict=True)
        )

    names: Mapping[str, str] = {"random": "random choice", "oracle": "oracle"}
    return Group(
        title="Without a score",
        rows=tuple((title, cells(name)) for name, title in names.items()),
    )


def _cost(found: Comparison) -> Grid:
    places = _benchmarks(found.evaluations)
    headings = [
        f"{short_name(found.evaluations[place])} {what}"
        for place in places
        for what in ("seconds", "coverage", "failed")
    ]

    def cells(line: Line) -> Cells:
        return tuple(cell for place in places for cell in _cost_cells(line.rows[place]))

    costs = dict.fromkeys(
        f"{row.proxy} costs {row.cost}."
        for line in found.lines
        for row in line.rows
        if row is not None and row.cost is not None
    )
    return Grid(
        title="Run time a network, share of networks with a value, and failures",
        columns=tuple(headings),
        groups=_groups(found, cells),
        notes=(
            "Seconds of one process, all that a score needs included; scores of one pass share it.",
            *costs,
        ),
    )


def _benchmarks(evaluations: Sequence[Evaluation]) -> list[int]:
    """Where each benchmark stands first."""
    first: dict[str, int] = {}
    for place, found in enumerate(evaluations):
        first.setdefault(found.benchmark, place)
    return list(first.values())


def _cost_cells(row: Row | None) -> Cells:
    if row is None:
        return (Cell(),) * 3
    seconds = Cell() if row.seconds is None else Cell(value=f"{row.seconds:.3g}")
    return seconds, Cell(value=f"{row.coverage:.0%}"), Cell(value=f"{row.failed:,}")


def _groups(
    found: Comparison,
    cells: Callable[[Line], Cells],
    title: Callable[[Line], str] = lambda line: line.name,
) -> tuple[Group, ...]:
    groups = []
    for kind, heading in GROUPS.items():
        rows = tuple((title(line), cells(line)) for line in found.lines if line.kind == kind)
        if rows:
            groups.append(Group(title=heading, rows=rows))
    return tuple(groups)
