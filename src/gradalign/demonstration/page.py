"""The demo as a page."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np

from gradalign.demonstration.findings import FIRST, measured, not_shown, paired, pass_time
from gradalign.demonstration.run import GROUPS, METRICS, PLAN, SIZES, TRAINING, Demo
from gradalign.evaluation import Row
from gradalign.proxies import PROXIES
from gradalign.report import Cell, Column, Dot, Highlight, Page, Scatter, SortableTable, render
from gradalign.report.chart import finite

UNITS: Mapping[str, str] = {
    "gradalign_plus": "multiply-adds^(1/4)",
    "gradalign_plus_ablation": "multiply-adds^(1/4)",
    "gradalign_i": "weights",
    "gradalign_i_mean": "share of weights",
    "gradalign_ii": "nats",
    "gradalign_ii_macs": "nats x multiply-adds",
    "gradient_effective_rank": "directions",
    "conflict_fraction": "share of pairs",
    "feature_entropy": "share of the largest",
    "gradient_entropy": "sum of shares",
    "gradsign": "weights x samples",
    "knas": "squared gradient",
    "params": "parameters",
    "macs": "multiply-adds",
    "layers": "weight tensors",
    "live_layers": "weight tensors",
}
"""Units of the axes; a score that is not named here has none."""

COLUMNS = (
    Column(title="score", numeric=False),
    *(
        Column(title=f"tau {name}", meaning="Kendall's tau-b with accuracy, 95 % interval")
        for name in METRICS.values()
    ),
    Column(title="partial tau", meaning="With params, macs and layers held constant; CIFAR-10"),
    Column(title="top-10 % tau", meaning="Inside the best tenth by accuracy; CIFAR-10"),
    Column(title="picks, %", meaning="CIFAR-10 accuracy of the network it would choose"),
    Column(title="seconds a network", meaning="One pass gives all scores"),
    Column(title="kind", numeric=False),
)


def page(demo: Demo) -> str:
    """The text of one self-contained HTML file."""
    archs = demo.archs
    accuracies = {
        label: finite(demo.benchmark.values(archs, metric).tolist())
        for metric, label in METRICS.items()
    }
    values = {
        str(name): finite(own["value"].to_numpy(np.float64).tolist())
        for name, own in demo.scores.groupby("proxy", sort=False)
    }
    kinds = {name: group for group, names in GROUPS.items() for name in names}
    return render(
        Page(
            title=f"{len(archs):,} networks ranked before training",
            lead=(measured(demo), not_shown(demo)),
            highlights=_highlights(demo),
            dots=[_dot(row) for row in _rows(demo, FIRST).values() if row.kendall_tau is not None],
            dots_label=f"tau with {METRICS[FIRST]}",
            table=SortableTable(
                columns=COLUMNS, rows=[_table_row(demo, name, kinds[name]) for name in kinds]
            ),
            table_notes=(*paired(demo), pass_time(demo)),
            scatters=[_scatter(demo, name, values[name]) for name in kinds if name in values],
            accuracies=accuracies,
            networks=[arch.partition(":")[2] for arch in archs],
            colour=(values["macs"], "its multiply-adds, from few (blue) to many (orange)"),
            facts=_facts(demo),
        )
    )


def _rows(demo: Demo, metric: str) -> dict[str, Row]:
    return {row.proxy: row for row in demo.evaluations[metric].rows}


def _highlights(demo: Demo) -> list[Highlight]:
    rows = demo.evaluations[FIRST].rows
    size = next(row.proxy for row in rows if row.proxy in SIZES)
    chosen = ("gradalign_plus", "gradalign_i", "gradalign_ii", size, TRAINING)
    found = _rows(demo, FIRST)
    kinds = {size: "the best measure of size", TRAINING: f"cost: {found[TRAINING].cost}"}
    return [
        Highlight(
            value=_short(found[name].kendall_tau),
            label=name,
            detail=kinds.get(name, "tau with CIFAR-10 accuracy"),
        )
        for name in chosen
    ]


def _dot(row: Row) -> Dot:
    return Dot(
        name=row.proxy,
        value=row.kendall_tau or 0.0,
        interval=row.kendall_tau_ci,
        reference=row.proxy in (*SIZES, *GROUPS["ablations"], TRAINING),
    )


def _table_row(demo: Demo, name: str, kind: str) -> list[Cell]:
    rows = {metric: _rows(demo, metric)[name] for metric in METRICS}
    first = rows[FIRST]
    picked = "-" if first.picked is None else f"{first.picked:.2f}"
    seconds = first.cost or "-" if first.seconds is None else f"{first.seconds:.3f}"
    return [
        Cell(text=name, key=name),
        *(_tau_cell(row) for row in rows.values()),
        Cell(text=_short(first.partial_tau), key=first.partial_tau),
        Cell(text=_short(first.top10_tau), key=first.top10_tau),
        Cell(text=picked, key=first.picked),
        Cell(text=seconds, key=first.seconds),
        Cell(text=kind, key=kind),
    ]


def _tau_cell(row: Row) -> Cell:
    interval = ""
    if row.kendall_tau_ci is not None:
        interval = f"{_short(row.kendall_tau_ci[0])} to {_short(row.kendall_tau_ci[1])}"
    return Cell(text=_short(row.kendall_tau), key=row.kendall_tau, detail=interval)


def _scatter(demo: Demo, name: str, values: list[float | None]) -> Scatter:
    return Scatter(
        name=name,
        unit=UNITS.get(name, "no unit"),
        better=PROXIES[name].better if name in PROXIES else "higher",
        values=values,
        tau={label: _rows(demo, metric)[name].kendall_tau for metric, label in METRICS.items()},
    )


def _facts(demo: Demo) -> list[tuple[str, str]]:
    (protocol,) = demo.protocols
    conditions = demo.protocols[protocol]
    said = ", ".join(f"{key} {value}" for key, value in conditions.items() if value)
    return [
        ("networks", f"{len(demo.archs):,} drawn from {demo.benchmark.description}"),
        ("accuracies", f"{demo.benchmark.source}; {demo.benchmark.licence} licence"),
        ("protocol", f"{protocol}: {said}"),
        ("seed", str(demo.seed)),
        ("processes", f"{demo.workers} with one thread each, {PLAN.device}"),
        ("time", f"{demo.seconds:.0f} s in all, {demo.seconds_a_network:.2f} s a pass"),
        ("intervals", "95 %, bootstrap over networks; differences are paired"),
        ("gradalign", version("gradalign")),
        ("torch", version("torch")),
        ("Python", sys.version.split()[0]),
    ]


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
