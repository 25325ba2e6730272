"""The page of the study: charts and tables of its document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gradalign.report import Cell, Column, Figure, Picture, Section, SortableTable
from gradalign.report.series import chart, series
from gradalign.studies._study import Document
from gradalign.studies.convergence.measures import CONFLICT, Measure
from gradalign.studies.convergence.runs import LATER, LEVELS, WINDOW, mean_loss, measure_at

Run = Mapping[str, Any]
Runs = Sequence[Run]

FIRST, *_ = CONFLICT.values()
"""The measure by which the networks are parted."""

THIRDS = ("least conflict", "in between", "most conflict")

ACCURACY = "test accuracy (%)"
APART = 0.22
"""Distance of the spaces within a row of a chart, in rows."""

LOSS = "mean loss over the training (nats)"


def sections(document: Document) -> list[Section]:
    """What the page shows below the findings."""
    runs: Runs = document["runs"]
    return [
        _curves(runs),
        _outcomes(runs),
        _during(runs),
        _beside_size(document),
        _interventions(document),
        _networks(runs),
    ]


def conflict(run: Run, epoch: int, measure: Measure) -> float | None:
    """A measure in the direction in which conflict rises."""
    value = measure_at(run, epoch, measure.name)
    return None if value is None else measure.conflict(value)


def _by_space(runs: Runs) -> dict[str, Runs]:
    spaces = dict.fromkeys(run["space"] for run in runs)
    return {space: [run for run in runs if run["space"] == space] for space in spaces}


def _by_network(runs: Runs) -> dict[str, Runs]:
    archs = dict.fromkeys(run["arch"] for run in runs)
    return {arch: [run for run in runs if run["arch"] == arch] for arch in archs}


def _mean(values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None


def _accuracy(run: Run) -> float:
    return float(run["accuracy"])


def _curves(runs: Runs) -> Section:
    """Loss by step, of thirds of the networks by their conflict before training."""
    return Section(
        title="How fast they learn",
        text=[
            "Each line is the mean over a third of the networks of a space, by their "
            f"{FIRST.name} before training; losses are means of {WINDOW} steps."
        ],
        pictures=[
            Picture(caption=f"{space}: loss of the training samples", figure=_loss_figure(own))
            for space, own in _by_space(runs).items()
        ],
    )


def _loss_figure(runs: Runs) -> Figure:
    networks = [
        (value, own)
        for own in _by_network(runs).values()
        if (value := _mean(conflict(run, 0, FIRST) for run in own)) is not None
    ]
    networks.sort(key=lambda each: each[0])
    traces = []
    for k, places in enumerate(np.array_split(np.arange(len(networks)), len(THIRDS))):
        curves = [run["losses"] for place in places for run in networks[place][1]]
        ends = range(WINDOW, min(map(len, curves), default=0) + 1, WINDOW)
        losses = [_mean(loss for c in curves for loss in c[end - WINDOW : end]) for end in ends]
        traces.append(series(THIRDS[k], [*ends], losses, k, lines=True, points=False))
    return chart(traces, "step", "cross-entropy (nats)", height=300)


def _outcomes(runs: Runs) -> Section:
    """Conflict before training against what came of it, a point a network."""
    outcomes: tuple[tuple[str, Callable[[Run], float]], ...] = (
        (LOSS, mean_loss),
        (ACCURACY, _accuracy),
    )
    pictures = []
    for measure in CONFLICT.values():
        for label, outcome in outcomes:
            traces = []
            for k, (space, own) in enumerate(_by_space(runs).items()):
                networks = _by_network(own)
                x = [_mean(conflict(r, 0, measure) for r in each) for each in networks.values()]
                y = [_mean(map(outcome, each)) for each in networks.values()]
                traces.append(series(space, x, y, k, text=[*networks]))
            figure = chart(traces, measure.axis, label)
            pictures.append(Picture(caption=f"{measure.name} and {label}", figure=figure))
    return Section(
        title="Conflict before training, and what came of it",
        text=["Every point is a network, the mean over its trainings."],
        pictures=pictures,
    )


def _during(runs: Runs) -> Section:
    """How conflict itself changes while networks learn."""
    epochs = (0, *LATER)
    pictures = []
    for measure in CONFLICT.values():
        traces = [
            series(
                space,
                epochs,
                [_mean(conflict(run, epoch, measure) for run in own) for epoch in epochs],
                k,
                lines=True,
            )
            for k, (space, own) in enumerate(_by_space(runs).items())
        ]
        figure = chart(traces, "epochs trained", measure.axis, height=300)
        caption = f"{measure.name}, mean over the networks of a space"
        pictures.append(Picture(caption=caption, figure=figure))
    return Section(title="Conflict during training", pictures=pictures)


def _beside_size(document: Document) -> Section:
    """Partial tau of every measure, by space and outcome."""
    pictures = []
    for outcome in dict.fromkeys(each["metric"] for each in document["evaluations"]):
        found = [each for each in document["evaluations"] if each["metric"] == outcome]
        kept = [[row for row in each["rows"] if row["partial_tau"] is not None] for each in found]
        names = sorted({row["proxy"] for rows in kept for row in rows})
        traces = []
        for k, (each, rows) in enumerate(zip(found, kept, strict=True)):
            aside = APART * (k - (len(found) - 1) / 2)  # so that the lines do not cover each other
            traces.append(
                series(
                    each["benchmark"],
                    [row["partial_tau"] for row in rows],
                    [names.index(row["proxy"]) + aside for row in rows],
                    k,
                    across=[row["partial_tau_ci"] for row in rows],
                    text=[row["proxy"] for row in rows],
                )
            )
        rows_axis = {"tickvals": [*range(len(names))], "ticktext": names, "automargin": True}
        figure = chart(
            traces,
            "partial tau given sizes",
            "",
            height=120 + 34 * len(names),
            x_axis={"zeroline": True, "automargin": True},
            y_axis={**rows_axis, "ticksuffix": " ", "autorange": "reversed", "zeroline": False},
        )
        caption = f"with {outcome}; positive where a measure points as it promises"
        pictures.append(Picture(caption=caption, figure=figure))
    return Section(
        title="Every measure beside size",
        pictures=pictures,
        notes=["Sizes: params, macs and layers. The lines are 95 % intervals over the networks."],
    )


def _interventions(document: Document) -> Section:
    """What each change did to conflict and to speed."""
    pictures = []
    for measure in CONFLICT.values():
        traces = []
        for k, each in enumerate(document["effects"]):
            moved, loss = each["conflict"][measure.name], each["loss"]
            name = f"{each['change']}: {each['level']}"
            traces.append(
                series(
                    name,
                    [moved["value"]],
                    [loss["value"]],
                    k,
                    across=[moved["ci"]],
                    along=[loss["ci"]],
                )
            )
        figure = chart(
            traces,
            f"change of {measure.axis}, right: more",
            "change of mean loss (nats), up: slower",
            height=420,
            x_axis={"zeroline": True, "automargin": True},
            y_axis={"zeroline": True},
        )
        pictures.append(Picture(caption=f"{measure.name} and speed", figure=figure))
    return Section(
        title="Conflict changed in one and the same architecture",
        text=["If conflict hinders, the points lie at the lower left and the upper right."],
        pictures=pictures,
        notes=["The lines are 95 % intervals of paired differences."],
    )


def _networks(runs: Runs) -> Section:
    """All networks with their means."""
    columns = [
        Column(title="network", numeric=False, folded=True),
        Column(
            title="accuracy", meaning="on the test images, percent: mean and range of the seeds"
        ),
        Column(title="mean loss", meaning="over the training, nats: mean of the seeds"),
        *(
            Column(title=f"steps to {level:g}", meaning="of loss: median of the seeds")
            for level in LEVELS
        ),
        *(Column(title=each.axis, meaning="before training") for each in CONFLICT.values()),
        Column(title="diverged", meaning="trainings whose loss was no longer finite"),
    ]
    rows = [
        _row(f"{space}:{arch}", each)
        for space, own in _by_space(runs).items()
        for arch, each in _by_network(own).items()
    ]
    return Section(title="All networks", table=SortableTable(columns=columns, rows=rows))


def _row(name: str, runs: Runs) -> list[Cell]:
    reached = [_accuracy(run) for run in runs]
    mean, loss = _mean(reached), _mean(map(mean_loss, runs))
    steps = [_median_steps(runs, level) for level in LEVELS]
    conflicts = [_mean(conflict(run, 0, measure) for run in runs) for measure in CONFLICT.values()]
    diverged = sum(bool(run["diverged"]) for run in runs)
    spread = f"{min(reached):.1f} to {max(reached):.1f}"
    return [
        Cell(text=name, key=name),
        Cell(text=f"{mean:.1f}", key=mean, detail=spread),
        Cell(text=f"{loss:.2f}", key=loss),
        *(Cell(text="never" if s is None else f"{s:.0f}", key=s) for s in steps),
        *(Cell(text="-" if c is None else f"{c:.3f}", key=c) for c in conflicts),
        Cell(text=str(diverged), key=diverged),
    ]


def _median_steps(runs: Runs, level: float) -> float | None:
    """Median of the steps to a level of loss; None where half of the trainings never reach it."""
    reached = [run["steps"][str(level)] for run in runs]
    median = float(np.median([np.inf if each is None else each for each in reached]))
    return median if np.isfinite(median) else None
