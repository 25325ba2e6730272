"""The table of a view: what each score is worth beside an accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradalign.comparison import difference, inseparable
from gradalign.comparison.table import GROUPS
from gradalign.evaluation import Evaluation, Row
from gradalign.pages.compared import Compared
from gradalign.pages.kinds import kind_of
from gradalign.report import Cell, Column, SortableTable

SIBLINGS = 3
"""Accuracies of one table up to which each has its own column of tau."""

NEAR = "≈ best"
"""Marks what cannot be told apart from the best."""

Interval = tuple[float, float]
Making = Callable[[Row], Cell]


def score_table(compared: Compared, siblings: Sequence[Compared] = ()) -> SortableTable:
    """A row for each score, by falling tau.

    Args:
        compared: The accuracy that all columns are about.
        siblings: The other accuracies of the same table, whose tau stands beside.
    """
    columns = _columns(compared, siblings if len(siblings) < SIBLINGS else ())
    return SortableTable(
        columns=[column for column, _ in columns],
        rows=[[make(row) for _, make in columns] for row in compared.evaluation.rows],
    )


def best_of(found: Evaluation) -> Row | None:
    """The score with the highest tau, short training aside."""
    return next((r for r in found.rows if r.cost is None and r.kendall_tau is not None), None)


def _columns(compared: Compared, siblings: Sequence[Compared]) -> list[tuple[Column, Making]]:
    found = compared.evaluation
    near = inseparable(found)
    best = best_of(found)
    title = f"tau {compared.label}" if siblings else "tau"
    columns: list[tuple[Column, Making]] = [
        (Column(title="score", numeric=False), lambda row: _name(row, best, near)),
        (_tau_column(title), lambda row: interval(row.kendall_tau, row.kendall_tau_ci)),
        *(_sibling(each) for each in siblings),
        (
            Column(title="partial tau", meaning="With params, macs and layers held constant"),
            lambda row: interval(row.partial_tau, row.partial_tau_ci),
        ),
        (
            Column(title="rho", meaning="Spearman's rank correlation"),
            lambda row: interval(row.spearman_rho, row.spearman_rho_ci),
        ),
        (
            Column(title="weighted tau", meaning="Kendall's tau with more weight on good networks"),
            lambda row: plain(row.weighted_tau),
        ),
        (
            Column(title="best-10 % tau", meaning="Inside the best tenth by accuracy"),
            lambda row: plain(row.top10_tau),
        ),
        (
            Column(title="nDCG@10 %", meaning="How good the tenth is that the score puts first"),
            lambda row: plain(row.ndcg10),
        ),
        (
            Column(title="precision top 5 %", meaning="Share of its best twentieth that is right"),
            lambda row: plain(row.precision5),
        ),
        (
            Column(title=f"picks{compared.unit}", meaning="Accuracy of the network it likes best"),
            lambda row: plain(row.picked),
        ),
        (Column(title="coverage", meaning="Share of the networks with a value"), _coverage),
        (Column(title="seconds", meaning="Of a network; one pass gives several scores"), _seconds),
        (
            Column(title="p to the best", meaning="Paired bootstrap, Holm's correction"),
            lambda row: _p(found, best, row),
        ),
        (Column(title="kind", numeric=False), _kind),
    ]
    if any(row.seeds > 1 for row in found.rows):
        spread = Column(title="sd over seeds", meaning="Of tau; each seed has its own scores")
        columns.insert(2, (spread, lambda row: plain(row.tau_sd_over_seeds)))
    return columns


def _tau_column(title: str) -> Column:
    return Column(title=title, meaning="Kendall's tau-b with accuracy, 95 % interval")


def _sibling(other: Compared) -> tuple[Column, Making]:
    rows = {row.proxy: row for row in other.evaluation.rows}

    def make(row: Row) -> Cell:
        own = rows.get(row.proxy)
        return (
            Cell(text="-", key=None)
            if own is None
            else interval(own.kendall_tau, own.kendall_tau_ci)
        )

    return _tau_column(f"tau {other.label}"), make


def interval(value: float | None, ends: Interval | None) -> Cell:
    """A statistic with its interval below it."""
    detail = "" if ends is None or value is None else f"{short(ends[0])} to {short(ends[1])}"
    return Cell(text=short(value), key=value, detail=detail)


def plain(value: float | None) -> Cell:
    """A number to two decimals."""
    return Cell(text=short(value), key=value)


def short(value: float | None) -> str:
    """Two decimals, a dash where there is no number; zero has no sign."""
    if value is None:
        return "-"
    text = f"{value:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _name(row: Row, best: Row | None, near: frozenset[str]) -> Cell:
    detail = ""
    if row.proxy in near:
        detail = "best" if best is not None and row.proxy == best.proxy else NEAR
    return Cell(text=row.proxy, key=row.proxy, detail=detail)


def _coverage(row: Row) -> Cell:
    detail = f"{row.failed:,} failed" if row.failed else ""
    # rounded down: 100 % is said of all networks only
    return Cell(text=f"{int(1000 * row.coverage) / 10:g} %", key=row.coverage, detail=detail)


def _seconds(row: Row) -> Cell:
    if row.seconds is None:
        return Cell(text=row.cost or "-", key=None)
    return Cell(text=f"{row.seconds:.2g}", key=row.seconds)


def _p(found: Evaluation, best: Row | None, row: Row) -> Cell:
    pair = None if best is None else difference(found, best.proxy, row.proxy)
    if pair is None or pair.p_holm is None:
        return Cell(text="-", key=None)
    text = "<0.001" if pair.p_holm < 0.001 else f"{pair.p_holm:.3f}"
    return Cell(text=text, key=pair.p_holm)


def _kind(row: Row) -> Cell:
    title = GROUPS[kind_of(row.proxy, trained=row.cost is not None)]
    return Cell(text=title, key=title)
