"""The page of a search: the winner, how it was found, and what else there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate

from gradalign.pages.facts import versions
from gradalign.proxies import PROXIES
from gradalign.report import Cell, Column, Page, Picture, Section, SortableTable
from gradalign.report.series import chart, series
from gradalign.search.archive import Found
from gradalign.search.finalist import Finalists
from gradalign.search.looked_up import TableFinalists
from gradalign.search.objective import Objective
from gradalign.search.reading import Recorded
from gradalign.search.request import Request
from gradalign.search.result import SearchResult, shown

MOST = 200
"""Networks in the table."""


def search_page(result: SearchResult) -> Page:
    """What a search has found, as a page."""
    request = result.request
    return Page(
        title=f"Search in {request.subject}",
        lead=[_best(result), *result.notes()],
        sections=_sections(result),
        facts=[
            ("wanted", _wanted(request)),
            ("limits", _limits(request)),
            ("sampler", request.sampler),
            ("seed", str(request.seed)),
            ("protocols", ", ".join(sorted(set(request.protocols.values())))),
            *versions(),
        ],
    )


def beside_scores(recorded: Recorded, anchor: str) -> list[Section]:
    """The same for a page about something else: under a heading that `anchor` leads to."""
    result = recorded.result
    request = result.request
    asked = f"Wanted: {_wanted(request)}; limits: {_limits(request)}; sampler: {request.sampler}."
    text = [asked, f"By score: {_best(result)}", *result.notes(), *_trained(recorded)]
    title = f"Search in {request.subject}, seed {request.seed}"
    return [
        Section(title=title, text=text, anchor=anchor),
        *(replace(section, level=3) for section in _sections(result)),
    ]


def search_findings(recorded: Recorded) -> list[str]:
    """What a search says of its winner."""
    result = recorded.result
    if result.best is None:
        return [_best(result)]
    unsure = f"By score: {_best(result)} Nothing was measured that says how sure that is."
    return [result.certainty or unsure, *_trained(recorded)]


def _trained(recorded: Recorded) -> list[str]:
    """What became of finalists, as far as the file of the search knows."""
    if not recorded.finalists:
        return []
    if recorded.winner is None:
        return [f"Of {recorded.finalists} finalists none was trained to the end."]
    model, validation, test = recorded.winner
    return [
        f"Of {recorded.finalists} finalists that were trained, once each, {model} ended best: "
        f"{validation:.1f} % of the validation samples, {test:.1f} % of the test samples."
    ]


def _sections(result: SearchResult) -> list[Section]:
    return [
        Section(title="How it was found", pictures=_pictures(result)),
        *_training(result.finalists),
        Section(title="Networks", table=_table(result)),
    ]


def _best(result: SearchResult) -> str:
    return "Every network has failed." if result.best is None else f"Best: {result.best.arch}."


def _wanted(request: Request) -> str:
    return ", ".join(f"{each.name} ({each.better} is better)" for each in request.objectives)


def _limits(request: Request) -> str:
    limits = ", ".join(f"{name} at most {limit:,.6g}" for name, limit in request.bounds)
    return limits or "none"


def _pictures(result: SearchResult) -> list[Picture]:
    if not result.ranked:
        return []
    objectives = result.request.objectives
    pictures = [_course(result.ranked, objectives[0])]
    if len(objectives) > 1:
        pictures += [_front(result, objectives[0], other) for other in objectives[1:]]
    elif objectives[0].name != "params":
        pictures.append(_against_size(result, objectives[0]))
    return pictures


def _course(ranked: Sequence[Found], objective: Objective) -> Picture:
    """The first objective of each network in the order in which they were proposed."""
    found = sorted(ranked, key=lambda own: own.trial)
    values = [own.values[0] or 0.0 for own in found]
    better: Callable[[float, float], float] = max if objective.better == "higher" else min
    trials = [own.trial for own in found]
    running: list[float] = list(accumulate(values, better))
    best = series("best so far", trials, running, 1, lines=True, points=False)
    best["line"]["shape"] = "hv"
    return Picture(
        caption=f"{objective.name} of the networks as they were proposed, and the best so far.",
        figure=chart(
            [
                series("network", trials, values, 0, text=[own.arch for own in found]),
                best,
            ],
            "number of the proposal",
            _axis(objective.name),
        ),
    )  # fmt: skip


def _against_size(result: SearchResult, objective: Objective) -> Picture:
    x = [own.measured["params"] for own in result.ranked]
    y = [own.values[0] for own in result.ranked]
    names = [own.arch for own in result.ranked]
    return Picture(
        caption=f"{objective.name} against the number of parameters: size hides in most scores.",
        figure=chart(
            [series("network", x, y, 0, text=names)], _axis("params"), _axis(objective.name)
        ),
    )


def _front(result: SearchResult, first: Objective, other: Objective) -> Picture:
    """Two objectives of all networks, and those on the Pareto front."""
    place = result.request.objectives.index(other)
    on_front = {own.model for own in result.front}

    def points(name: str, number: int, *, front: bool) -> dict[str, object]:
        chosen = [own for own in result.ranked if (own.model in on_front) == front]
        chosen.sort(key=lambda own: own.values[place] or 0.0)
        return series(
            name,
            [own.values[place] for own in chosen],
            [own.values[0] for own in chosen],
            number,
            lines=front,
            text=[own.arch for own in chosen],
        )

    return Picture(
        caption=f"{first.name} against {other.name}: no network beats one on the front in all.",
        figure=chart(
            [points("dominated", 0, front=False), points("Pareto front", 1, front=True)],
            _axis(other.name),
            _axis(first.name),
        ),
    )


def _training(finalists: Finalists | TableFinalists | None) -> list[Section]:
    """How the finalists were trained."""
    if not isinstance(finalists, Finalists):
        return []
    traces = [
        series(
            f"{own.rank}. {own.status}",
            list(range(1, len(own.accuracies) + 1)),
            own.accuracies,
            place,
            lines=True,
            text=[own.candidate.name] * len(own.accuracies),
        )
        for place, own in enumerate(finalists.entries)
        if own.accuracies
    ]
    text = (
        f"{finalists.recipe}; the worse half was given up after "
        f"{', '.join(map(str, finalists.rungs[:-1])) or 'no'} epochs."
    )
    caption = "Accuracy on the validation samples while the finalists were trained, by their rank."
    figure = chart(traces, "epoch", "validation accuracy, %")
    return [
        Section(
            title="Training",
            text=[text],
            pictures=[Picture(caption=caption, figure=figure)] * bool(traces),
        )
    ]


def _table(result: SearchResult) -> SortableTable:
    """The best networks with all that was measured of them."""
    frame = result.to_frame().drop(columns="model", errors="ignore").head(MOST)
    columns = [Column(title="arch", numeric=False, folded=True)]
    columns += [Column(title=str(name)) for name in frame.columns[1:]]
    rows = [
        [Cell(text=str(arch), key=str(arch)), *(Cell(text=shown(v), key=v) for v in values)]
        for arch, *values in frame.itertuples(index=False)
    ]
    return SortableTable(columns=columns, rows=rows)


def _axis(name: str) -> str:
    """What an axis shows, with its unit where it has one."""
    unit = PROXIES[name].unit if name in PROXIES else None
    if unit and name in ("params", "macs"):
        return unit
    return f"{name}, {unit}" if unit else name
