"""Samples, classes and pairs of an explanation, as sections of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from gradalign.explanation import Explanation, PairFigures, SampleFigures
from gradalign.pages.cells import added, cosine, figure, percent, words
from gradalign.report import Cell, Column, Picture, Section, SortableTable
from gradalign.report._figure import Figure, finite
from gradalign.report.matrix import Group, matrix_figure
from gradalign.report.series import chart, series

MOST_DRAWN = 160
"""Samples in the picture of cosines: of more, so many at equal distances."""

MOST_ROWS = 40
"""Samples in the table, those that go least with their class."""

NUMBERED = 12
"""Classes up to which the picture of them holds the numbers."""

LEAVE_ONE_OUT = (
    "Under the name of a score: leave-one-out differences, the score of the batch less the score "
    "without the sample or the class, in the unit of the score. They do not add up to it."
)


def sample_sections(own: Explanation, *, gram: bool = True) -> Iterator[Section]:
    """The cosines of all pairs, the classes, the samples, and the pairs that stand out.

    Nothing where no sample has a gradient: there is nothing to compare them by.

    Args:
        own: The explanation.
        gram: Whether the picture of all pairs is not elsewhere on the page.
    """
    if not any(row.gradient_norm for row in own.samples):
        return
    if own.cosines:
        yield Section(
            title="Which samples pull against each other",
            text=[
                "The cosine of the loss gradients of any two samples over all weights: 1, both ask "
                "for the same change of the weights; below 0, what helps one harms the other.",
                *_no_classes(own),
            ],
            pictures=[*([gram_picture(own)] if gram else []), *_class_picture(own)],
        )
    if own.classes:
        yield Section(
            title="Classes", table=_class_table(own), notes=[LEAVE_ONE_OUT] if _scores(own) else []
        )
    if own.samples:
        yield Section(
            title="Samples",
            text=[_suspicion(own)],
            pictures=[_sample_picture(own)],
            table=_sample_table(own),
            notes=_notes(own),
        )
    if own.same_input or own.opposed or own.alike:
        yield Section(title="Pairs of samples", table=_pair_table(own))


def _no_classes(own: Explanation) -> list[str]:
    reason = own.silent.get("classes")
    return [f"Nothing is said of classes: {reason}."] if reason else []


def gram_picture(own: Explanation, whose: str = "") -> Picture:
    """The cosines of all pairs, samples ordered by class.

    Args:
        own: The explanation.
        whose: What the caption begins with, where there are several such pictures.
    """
    step = -(-len(own.order) // MOST_DRAWN)
    order = own.order[::step]
    by_class = bool(own.classes)
    labels = [own.samples[i].label for i in order]
    groups = [Group(str(label), len([*some])) for label, some in groupby(labels)]
    drawn = (
        f"one in {step} of the {len(own.order)} samples" if step > 1 else f"{len(order)} samples"
    )
    ordered = "ordered by class, lines between the classes" if by_class else "in their order"
    return Picture(
        caption=f"{whose}{drawn}, {ordered}.",
        figure=matrix_figure(
            [[own.cosines[i][j] for j in order] for i in order],
            [_sample_name(own.samples[i]) for i in order],
            "sample",
            axis="samples, by class" if by_class else "sample",
            groups=groups if by_class else (),
            said="cosine of the gradients",
        ),
    )


def _sample_name(row: SampleFigures) -> str:
    return str(row.index) + ("" if row.label is None else f", class {row.label}")


def _class_picture(own: Explanation) -> list[Picture]:
    if len(own.classes) < 2:
        return []
    return [
        Picture(
            caption="The mean over the pairs of two classes; on the diagonal, of one class.",
            figure=matrix_figure(
                own.class_cosines,
                [str(row.label) for row in own.classes],
                "class",
                said="mean cosine",
                numbers=len(own.classes) <= NUMBERED,
            ),
        )
    ]


def _scores(own: Explanation) -> list[str]:
    """Scores that samples or classes have differences of."""
    held = [*(row.added for row in own.samples), *(row.added for row in own.classes)]
    return [
        record.proxy
        for record in own.scores.records
        if any(row.get(record.proxy) is not None for row in held)
    ]


def _score_columns(names: Sequence[str]) -> list[Column]:
    return [Column(title=name, meaning="Leave-one-out difference") for name in names]


def _class_table(own: Explanation) -> SortableTable:
    scores = _scores(own)
    return SortableTable(
        columns=[
            Column(title="class"),
            Column(title="samples"),
            Column(title="cosine within", meaning="Mean over the pairs of this class"),
            Column(title="cosine with others", meaning="Mean over pairs with other classes"),
            Column(title="opposed within", meaning="Share of pairs with a negative inner product"),
            Column(title="opposed with others", meaning="The same of pairs with other classes"),
            *_score_columns(scores),
        ],
        rows=[
            [
                Cell(text=str(row.label), key=row.label),
                figure(row.samples),
                cosine(row.within),
                cosine(row.between),
                percent(row.conflict_within),
                percent(row.conflict_between),
                *(added(row.added.get(name)) for name in scores),
            ]
            for row in own.classes
        ],
    )


def _suspicion(own: Explanation) -> str:
    if not own.classes:
        return "How each sample goes with all others; low values first."
    return (
        "How each sample goes with its own class, lowest first. One that goes better with other "
        "classes can be mislabelled, rare or hard; in a network that is not trained this is weak "
        "evidence."
    )


def _sample_picture(own: Explanation) -> Picture:
    return Picture(
        caption="Mean cosine of each sample's gradient with those of its own class, against that "
        "with those of other classes."
        if own.classes
        else "Mean cosine of each sample's gradient with all others, against its loss.",
        figure=_by_class(own.samples) if own.classes else _by_loss(own.samples),
        wide=True,
    )


def _by_class(rows: Sequence[SampleFigures]) -> Figure:
    placed = [row for row in rows if row.own_class is not None and row.other_classes is not None]
    odd = [(row.own_class or 0.0) < (row.other_classes or 0.0) for row in placed]
    traces = []
    for place, (name, wanted) in enumerate(
        (("closer to its own class", False), ("closer to other classes", True))
    ):
        chosen = [row for row, is_odd in zip(placed, odd, strict=True) if is_odd is wanted]
        if chosen:
            x = finite(row.other_classes for row in chosen)
            y = finite(row.own_class for row in chosen)
            trace = series(name, x, y, place, text=[_sample_name(row) for row in chosen])
            trace["hovertemplate"] = (
                "sample %{text}<br>with its class %{y:.3f}<br>with others %{x:.3f}<extra></extra>"
            )
            traces.append(trace)
    across = [row.other_classes or 0.0 for row in placed]
    ends = finite((min(across, default=0.0), max(across, default=0.0)))
    return chart(
        [*traces, series("equal", ends, ends, 6, lines=True, points=False)],
        "mean cosine with other classes",
        "mean cosine with its class",
    )


def _by_loss(rows: Sequence[SampleFigures]) -> Figure:
    placed = [row for row in rows if row.loss is not None]
    x, y = finite(row.loss for row in placed), finite(row.other_classes for row in placed)
    trace = series("sample", x, y, 0, text=[_sample_name(row) for row in placed])
    trace["hovertemplate"] = "sample %{text}<br>loss %{x:.4g}<br>cosine %{y:.3f}<extra></extra>"
    return chart([trace], "loss", "mean cosine with all others")


def _shown(own: Explanation) -> list[SampleFigures]:
    """The rows of the table, those that go least with their class, or with all others, first."""

    def place(row: SampleFigures) -> float:
        value = row.own_class if own.classes else row.other_classes
        return float("inf") if value is None else value

    return sorted(own.samples, key=place)[:MOST_ROWS]


def _notes(own: Explanation) -> list[str]:
    scores = _scores(own)
    without = [r.proxy for r in own.scores.records if r.status == "ok" and r.proxy not in scores]
    notes = [LEAVE_ONE_OUT] if scores else []
    if without:
        notes.append(f"Not to be had without some of the samples: {', '.join(without)}.")
    more = len(own.samples) - MOST_ROWS
    if more > 0:
        notes.append(f"The {more:,} samples that go better are left out; JSON has all.")
    return notes


def _sample_table(own: Explanation) -> SortableTable:
    scores, classes = _scores(own), bool(own.classes)
    columns = [
        Column(title="sample", meaning="Place in the batch, from 0"),
        *([Column(title="class"), Column(title="cosine with its class")] if classes else []),
        Column(title="cosine with other classes" if classes else "cosine with all others"),
        Column(title="opposed", meaning="Share of the other samples that pull against it"),
        Column(title="loss"),
        Column(title="gradient norm", meaning="In loss per weight"),
        *_score_columns(scores),
    ]
    rows = [
        [
            Cell(text=str(row.index), key=row.index),
            *([figure(row.label), cosine(row.own_class)] if classes else []),
            cosine(row.other_classes),
            percent(row.conflict_fraction),
            figure(row.loss),
            figure(row.gradient_norm),
            *(added(row.added.get(name)) for name in scores),
        ]
        for row in _shown(own)
    ]
    return SortableTable(columns=columns, rows=rows)


def _pair_table(own: Explanation) -> SortableTable:
    """Equal inputs under two labels first, then other equal ones, then opposed and alike ones."""
    rows: dict[tuple[int, int], list[Cell]] = {}
    for pair in sorted(own.same_input, key=lambda pair: pair.labels[0] == pair.labels[1]):
        two = pair.labels[0] != pair.labels[1]
        rows[pair.samples] = _pair(pair, "same input, two labels" if two else "same input")
    for kind, pairs in (("opposed", own.opposed), ("alike", own.alike)):
        for pair in pairs:
            rows.setdefault(pair.samples, _pair(pair, kind))
    return SortableTable(
        columns=[
            Column(title="samples", numeric=False),
            Column(title="classes", numeric=False),
            Column(title="what they are", numeric=False),
            Column(title="cosine", meaning="Of their gradients over all weights"),
            Column(title="most against each other in", numeric=False),
        ],
        rows=list(rows.values()),
    )


def _pair(pair: PairFigures, kind: str) -> list[Cell]:
    i, j = pair.samples
    labels = "-" if None in pair.labels else "{} and {}".format(*pair.labels)
    return [
        Cell(text=f"{i} and {j}", key=f"{i:09d} {j:09d}"),
        words(labels),
        words(kind),
        cosine(pair.cosine),
        words(pair.layer or "-"),
    ]
