"""The page of a ranking: the order, how sure it is, and how far it is one of size."""

from __future__ import annotations

from collections.abc import Iterator

from gradalign.pages.cells import figure, words
from gradalign.pages.facts import versions
from gradalign.pages.kinds import better_of, is_size, unit_of
from gradalign.pages.protocols import in_words
from gradalign.ranking import Ranked, Ranking, RepeatedScore
from gradalign.report import Cell, Column, Page, Picture, Section, SortableTable
from gradalign.report.rows import rows_figure
from gradalign.report.series import chart, series
from gradalign.separation import half_width

PLACES = {"may be the best": 0, "not the best": 6}
"""What a rank interval says of a network, with a place in the page's palette."""


def ranking_page(ranking: Ranking) -> Page:
    """A ranking as a page."""
    count = len(ranking.entries)
    return Page(
        title=f"{count:,} network{'s' * (count != 1)} in order",
        lead=ranking.notes(),
        sections=[*_sections(ranking)],
        facts=[
            ("repeats", str(ranking.repeats)),
            *(
                (f"protocol {name}", in_words(conditions))
                for name, conditions in ranking.protocols.items()
            ),
            *versions(),
        ],
    )


def _sections(ranking: Ranking) -> Iterator[Section]:
    scored = [entry for entry in ranking.entries if entry.scores[ranking.by].value is not None]
    yield Section(
        title="The order",
        pictures=[_order(ranking, scored)] if scored else [],
        table=_table(ranking),
        notes=[
            "can be: the ranks that a network can have, with 95 % confidence for all together; "
            "networks that share a group letter cannot be told apart. Under a score: standard "
            "error of the mean over the repeats."
        ],
    )
    against = [_against(ranking, scored, size) for size in ranking.tau_with]
    if len(scored) > 1:
        yield Section(
            title="How far the order is one of size",
            text=["Size hides in most scores: where the points lie on one rising line, it is all."],
            pictures=[picture for picture in against if picture is not None],
        )


def _order(ranking: Ranking, scored: list[Ranked]) -> Picture:
    found = [entry.scores[ranking.by] for entry in scored]
    return Picture(
        caption=f"{ranking.by}, mean of {ranking.repeats} repeats with its 95 % interval "
        f"({better_of(ranking.by)} is better).",
        figure=rows_figure(
            [entry.model for entry in scored],
            [each.value or 0.0 for each in found],
            [_interval(each, ranking.repeats) for each in found],
            [
                "may be the best" if entry.rank_interval[0] == 1 else "not the best"
                for entry in scored
            ],
            PLACES,
            _axis(ranking.by),
        ),
        wide=True,
    )


def _interval(found: RepeatedScore, repeats: int) -> tuple[float, float] | None:
    """Student's t interval of the mean; None where nothing was repeated."""
    if found.value is None or found.stderr is None or repeats < 2:
        return None
    reach = half_width(found.stderr, repeats)
    return found.value - reach, found.value + reach


def _against(ranking: Ranking, scored: list[Ranked], size: str) -> Picture | None:
    """The score against one measure of size."""
    own = [entry for entry in scored if entry.scores[size].value is not None]
    if not own or size == ranking.by:
        return None
    found = [entry.scores[ranking.by] for entry in own]
    tau = ranking.tau_with[size]
    trace = series(
        "network",
        [entry.scores[size].value for entry in own],
        [each.value for each in found],
        0,
        text=[entry.model for entry in own],
        along=[_interval(each, ranking.repeats) for each in found],
    )
    told = "none: all equal" if tau is None else f"{tau:+.2f}"
    return Picture(
        caption=f"{ranking.by} against {size}; Kendall's tau {told}.",
        figure=chart([trace], _axis(size), _axis(ranking.by)),
    )


def _axis(name: str) -> str:
    unit = unit_of(name)
    return f"{name} ({unit})" if unit and unit != name else name


def _table(ranking: Ranking) -> SortableTable:
    groups = {model: group for _, _, group, model, *_ in ranking.rows()[1:]}
    names = [ranking.by, *(n for n in ranking.entries[0].scores if n != ranking.by)]
    return SortableTable(
        columns=[
            Column(title="rank"),
            Column(title="can be"),
            Column(title="group", numeric=False),
            Column(title="model", numeric=False, folded=True),
            *(Column(title=name) for name in names),
            Column(title="status", numeric=False),
        ],
        rows=[
            [
                figure(entry.rank),
                words("-".join(map(str, dict.fromkeys(entry.rank_interval)))),
                words(groups[entry.model]),
                words(entry.model),
                *(_cell(entry.scores[name], size=is_size(name)) for name in names),
                words(entry.scores[ranking.by].status, entry.scores[ranking.by].reason or ""),
            ]
            for entry in ranking.entries
        ],
    )


def _cell(found: RepeatedScore, *, size: bool) -> Cell:
    """A mean over the repeats with its standard error; sizes have none."""
    detail = "" if size or found.stderr is None else f"± {found.stderr:.2g}"
    cell = figure(found.value)
    return Cell(text=cell.text, key=cell.key, detail=detail)
