"""The page of the study: charts, tables and pictures of its document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gradalign.report import Cell, Column, Figure, Picture, Section, SortableTable
from gradalign.report.series import chart, series
from gradalign.studies._estimates import number
from gradalign.studies._study import Document
from gradalign.studies.linear_regions.counting import MEANINGS, SIZES
from gradalign.studies.linear_regions.findings import counterexamples, effect_of
from gradalign.studies.linear_regions.pictures import regions_svg
from gradalign.studies.linear_regions.sampling import BATCHES, SAMPLES
from gradalign.studies.linear_regions.shares import places_seen

Numbers = Mapping[str, Any]

STATES = {"before": "before training", "after": "after training"}


def sections(document: Document) -> list[Section]:
    """What the page shows below the findings."""
    return [
        _verdicts(document["verdicts"]),
        _taus(document["benchmarks"]),
        *map(_networks, document["benchmarks"]),
        _sampling(document["sampling"]),
        _trained(document["trained"]),
        _changes(document["trained"]["changes"]),
        _drawn(document["pictures"]),
        Section(
            title="Counter-examples",
            text=[
                "Searched among all pairs, and counted again from other initialisations.",
                *counterexamples(document),
            ],
        ),
    ]


def _verdicts(verdicts: Sequence[Numbers]) -> Section:
    columns = [
        Column(title="benchmark", numeric=False),
        Column(title="count", numeric=False),
        Column(title="verdict", numeric=False),
        Column(title="tau", meaning="with the trained accuracy"),
        Column(title="less size", meaning="tau less that of the best of params, macs, layers"),
        Column(title="partial tau", meaning="given params, macs and layers"),
        Column(title="at its highest", meaning="share of the networks with the highest value"),
        Column(title="top 5 %", meaning="share of the best twentieth that the count finds"),
        Column(title="regret", meaning="what its choice falls short of the best, in points"),
        Column(title="failed", meaning="networks without a count"),
    ]
    rows = [
        [
            _text(each["benchmark"], each["metric"]),
            _text(each["count"]),
            _text(each["verdict"]),
            _number(each["tau"], each["tau_ci"]),
            _number(each["difference"], each["ci"], f" than {each['size']}"),
            _number(each["partial_tau"], each["partial_tau_ci"]),
            _number(each["at_most"]),
            _number(each["precision5"]),
            _number(each["regret"]),
            Cell(text=f"{each['failed']} of {each['n']}", key=each["failed"]),
        ]
        for each in verdicts
    ]
    return Section(
        title="A verdict for each benchmark and count",
        table=SortableTable(columns=columns, rows=rows),
        notes=[
            "Below each value its 95 % interval. Failed networks count as the worst.",
            *(f"`{name}`: {meaning}." for name, meaning in MEANINGS.items()),
        ],
    )


def _text(text: str, detail: str = "") -> Cell:
    return Cell(text=text, key=text, detail=detail)


def _number(value: float | None, ci: Sequence[float] | None = None, more: str = "") -> Cell:
    if value is None:
        return Cell(text="-", key=None)
    interval = "" if ci is None else f"{ci[0]:.2f} to {ci[1]:.2f}"
    return Cell(text=f"{value:.2f}", key=value, detail=f"{interval}{more}")


def _taus(benchmarks: Sequence[Numbers]) -> Section:
    """Tau and partial tau of counts and sizes, by benchmark."""
    pictures = []
    for key, names, caption in (
        ("kendall_tau", (*MEANINGS, *SIZES), "Tau with the trained accuracy"),
        ("partial_tau", tuple(MEANINGS), "Partial tau given params, macs and layers"),
    ):
        traces = []
        for k, own in enumerate(benchmarks):
            rows = {row["proxy"]: row for row in own["rows"]}
            known = [name for name in names if rows[name][key] is not None]
            taus = [rows[name][key] for name in known]
            cis = [rows[name][f"{key}_ci"] for name in known]
            traces.append(series(own["benchmark"], taus, known, k, across=cis))
        figure = chart(
            traces,
            f"{key.replace('_', ' ')} (-1 to 1)",
            "",
            height=130 + 34 * len(names),
            x_axis={"zeroline": True},
            y_axis={
                "automargin": True,
                "ticksuffix": " ",
                "nticks": 0,
                "categoryorder": "array",
                "categoryarray": [*reversed(names)],
            },
        )
        pictures.append(Picture(caption=caption, figure=figure))
    return Section(
        title="Counts beside mere size",
        pictures=pictures,
        notes=["The lines are 95 % intervals over the networks. A constant count has no tau."],
    )


def _networks(benchmark: Numbers) -> Section:
    """Every count against the accuracy, a point a network, with the pairs that a search found."""
    pictures = []
    for found in benchmark["counterexamples"]:
        count = found["count"]
        networks = [each for each in benchmark["networks"] if count in each["values"]]
        if not networks:
            continue
        x = [each["values"][count] for each in networks]
        y = [each["accuracy"] for each in networks]
        names = [each["arch"] for each in networks]
        traces = [series("networks", x, y, 0, text=names)]
        chain = found["chain"]
        traces.append(
            series(
                "longest wrong series",
                [each["count"] for each in chain],
                [each["accuracy"] for each in chain],
                1,
                lines=True,
            )
        )
        figure = chart(traces, f"{count} (number)", f"{benchmark['metric']} (%)", height=300)
        pictures.append(Picture(caption=f"{count}: {MEANINGS[count]}", figure=figure))
    return Section(
        title=f"Counts and accuracy on {benchmark['benchmark']}",
        text=[
            "Along the line every step has more regions and a worse accuracy: the longest such "
            "series among these networks."
        ],
        pictures=pictures,
    )


def _sampling(sampled: Sequence[Numbers]) -> Section:
    """What samples find of the exact count, and codes of a batch against its size."""
    archs = [*dict.fromkeys(each["arch"] for each in sampled)]
    return Section(
        title="Samples beside the exact count",
        text=[
            "Stacks of linear layers for digits, newly initialised; each is named by its widths. "
            "The exact count knows every region on a line or in a square; random points on it meet "
            "some of them. The codes of a batch stop at its size, the patterns of SWAP at the "
            "number of units."
        ],
        pictures=[
            *(
                Picture(caption=f"Regions met {where}", figure=_seen(sampled, kind, archs))
                for kind, where in (
                    ("line", "on the line between two digits"),
                    ("plane", "in the square that three digits span"),
                )
            ),
            Picture(caption="Distinct codes of a batch of digits", figure=_codes(sampled, archs)),
            Picture(
                caption="Distinct patterns of the units (SWAP)", figure=_patterns(sampled, archs)
            ),
        ],
        notes=["The lines are 95 % intervals over initialisations."],
        table=_exact_table(sampled, archs),
    )


def _seen(sampled: Sequence[Numbers], kind: str, archs: Sequence[str]) -> Figure:
    traces = []
    for k, arch in enumerate(archs):
        found = [places_seen(sampled, kind, place, arch) for place in range(len(SAMPLES))]
        known = [each for each in found if each is not None]
        if known:
            parts = [100 * each["value"] for each in known]
            cis = [each["ci"] and [100 * end for end in each["ci"]] for each in known]
            traces.append(series(arch, [*SAMPLES], parts, k, lines=True, along=cis))
    return chart(traces, "random points", "regions met (%)", x_axis=_powers(SAMPLES))


def _codes(sampled: Sequence[Numbers], archs: Sequence[str]) -> Figure:
    traces = [
        series(arch, [*BATCHES], _mean_by_batch(sampled, arch, "codes"), k, lines=True)
        for k, arch in enumerate(archs)
    ]
    y_axis: dict[str, object] = {"type": "log", "nticks": 0}
    return chart(
        traces, "digits in the batch", "distinct codes", x_axis=_powers(BATCHES), y_axis=y_axis
    )


def _patterns(sampled: Sequence[Numbers], archs: Sequence[str]) -> Figure:
    traces = []
    for k, arch in enumerate(archs):
        units = next(each["units"] for each in sampled if each["arch"] == arch)
        shares = [100 * each / units for each in _mean_by_batch(sampled, arch, "patterns")]
        traces.append(series(arch, [*BATCHES], shares, k, lines=True))
    return chart(traces, "digits in the batch", "patterns (% of units)", x_axis=_powers(BATCHES))


def _mean_by_batch(sampled: Sequence[Numbers], arch: str, what: str) -> list[float]:
    own = [each["batch"][what] for each in sampled if each["arch"] == arch]
    return [sum(values) / len(values) for values in zip(*own, strict=True)]


def _powers(values: Sequence[int]) -> dict[str, object]:
    """A logarithmic axis with a tick for each value."""
    ticks = [f"{value:,}" for value in values]
    return {"type": "log", "tickvals": [*values], "ticktext": ticks, "nticks": 0}


def _exact_table(sampled: Sequence[Numbers], archs: Sequence[str]) -> SortableTable:
    columns = [
        Column(title="stack", numeric=False),
        Column(title="units"),
        Column(title="regions on the line", meaning="exact, mean of the initialisations"),
        Column(title="regions in the square", meaning="exact, mean of the initialisations"),
    ]
    rows = []
    for arch in archs:
        own = [each for each in sampled if each["arch"] == arch]
        cells = [_text(arch), Cell(text=str(own[0]["units"]), key=own[0]["units"])]
        for kind in ("line", "plane"):
            exact = [each[kind]["exact"] for each in own if kind in each]
            mean = sum(exact) / len(exact) if exact else None
            cells.append(Cell(text="-" if mean is None else f"{mean:.1f}", key=mean))
        rows.append(cells)
    return SortableTable(columns=columns, rows=rows)


def _trained(trained: Numbers) -> Section:
    traces = [
        series(
            name,
            [each["regions"]["value"] for each in own],
            [each["accuracy"] for each in own],
            k,
            lines=lines,
            text=[each["arch"] for each in own],
            across=[each["regions"]["ci"] for each in own],
            along=[each["accuracy_ci"] for each in own],
        )
        for k, (name, own, lines) in enumerate(
            (
                ("drawn stacks", trained["pool"], False),
                ("16 units, 1 to 6 hidden layers", trained["family"], True),
            )
        )
    ]
    figure = chart(
        traces,
        "regions a line before training (number)",
        "test accuracy (%)",
        height=380,
        x_axis={"type": "log", "nticks": 0},
    )
    return Section(
        title="Stacks trained on digits",
        pictures=[Picture(caption="Every point is a stack", figure=figure, wide=True)],
        notes=["The lines are 95 % intervals over initialisations."],
    )


def _changes(changes: Sequence[Numbers]) -> Section:
    columns = [
        Column(title="stack", numeric=False),
        Column(title="change", numeric=False, folded=True),
        Column(title="regions", meaning="change of the mean number of regions a line"),
        Column(title="accuracy", meaning="change of the test accuracy, in points"),
        Column(title="diverged", meaning="trainings whose loss was no longer finite"),
        Column(title="what it shows", numeric=False),
    ]
    rows = [
        [
            _text(each["arch"]),
            _text(each["meaning"]),
            Cell(text="none", key=0.0)
            if each["same_count"]
            else _number(each["regions"]["value"], each["regions"]["ci"]),
            _number(each["accuracy"]["value"], each["accuracy"]["ci"]),
            Cell(text=f"{each['diverged']} of {each['n']}", key=each["diverged"]),
            _text(effect_of(each)),
        ]
        for each in changes
    ]
    return Section(
        title="What moves the count and not the accuracy, and the reverse",
        text=["The same stack from the same seeds, its initial weights changed before training."],
        table=SortableTable(columns=columns, rows=rows),
        notes=["Below each value its 95 % interval, of paired differences."],
    )


def _drawn(pictures: Mapping[str, Numbers]) -> Section:
    """Regions of small networks before and after training."""
    shown = []
    for name, about in (
        ("moons", "a stack 16-16 on two half circles"),
        ("digits", "a stack 16-16 on the square that three digits span"),
    ):
        found = pictures[name]
        labels = [*dict.fromkeys(mark["label"] for mark in found["marks"])]
        for state, when in STATES.items():
            own = found[state]
            caption = (
                f"{about.capitalize()}, {when}: {len(own['cells'])} regions, test accuracy "
                f"{number(own['accuracy'], decimals=1)} %"
            )
            svg = regions_svg(own, found["marks"], sorted(labels), caption)
            shown.append(Picture(caption=caption, figure=svg))
    return Section(
        title="Regions of small networks",
        text=[
            "Each polygon is one region: the network is affine on it. Colours say which class wins "
            "there (grey: one that is none of the marked samples'), shades only tell neighbours "
            "apart."
        ],
        pictures=shown,
    )
