"""What a change would do, and another network beside the explained one, as sections of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradalign.explanation import Explanation
from gradalign.explanation.paired import Against, Change, Edited
from gradalign.pages.cells import between, figure, words
from gradalign.pages.explain_layers import along
from gradalign.pages.explain_samples import gram_picture
from gradalign.pages.kinds import better_of, unit_of
from gradalign.report import Cell, Column, Picture, Section, SortableTable
from gradalign.report.rows import rows_figure
from gradalign.report.series import chart

VERDICTS = {
    "better": "better",
    "worse": "worse",
    "open": "cannot be told apart",
    None: "not tested",
}
"""How verdicts read."""

COLOURS = {"better": 0, "worse": 1, "cannot be told apart": 6, "not tested": 6}
"""Places of the verdicts in the page's palette."""


def change_section(edited: Edited) -> Section:
    """The changes with their differences, best first."""
    measured = [change for change in edited.changes if change.status == "ok"]
    return Section(
        title="What a change would do",
        text=[_changes_said(edited)],
        pictures=[_change_picture(measured, edited.by)] if measured else [],
        table=_change_table(edited) if edited.changes else None,
        notes=[_repeats(edited.repeats, "all changes")] if edited.changes else [],
    )


def _changes_said(edited: Edited) -> str:
    if not edited.changes:
        known = f"{edited.known:,} are known" if edited.known else "none is known for this network"
        return f"No change was measured: {known}."
    drawn = len(edited.changes)
    which = f"{drawn} changes" if drawn == edited.known else f"{drawn} of {edited.known:,} changes"
    told = sum(bool(change.told_apart) for change in edited.changes)
    return (
        f"{which}, each measured beside the network as it is on the same batches and with the same "
        f"seeds. By {edited.by} ({better_of(edited.by)} is better) {told} of them can be told "
        "apart from it. What a score says of a change is not what training would."
    )


def _repeats(repeats: int, over: str) -> str:
    if repeats == 1:
        return "One repeat: no interval, and nothing can be told apart."
    return (
        f"Intervals: 95 %, of the mean difference over {repeats} repeats (Student's t), each for "
        f"itself. What can be told apart: Holm's procedure over {over}, at most 5 % wrong."
    )


def _change_picture(changes: Sequence[Change], by: str) -> Picture:
    return Picture(
        caption=f"{by} after the change less before, best first; at 0: no difference.",
        figure=rows_figure(
            [change.name for change in changes],
            [change.differences[by].mean or 0.0 for change in changes],
            [change.differences[by].interval for change in changes],
            [VERDICTS[change.verdict] for change in changes],
            COLOURS,
            _label(by).replace(" (", "<br>("),
        ),
        wide=True,
    )


def _label(score: str) -> str:
    """What an axis of differences shows."""
    unit = unit_of(score)
    better = f"{better_of(score)} is better"
    return f"difference of {score} ({f'{unit}, ' if unit else ''}{better})"


def _change_table(edited: Edited) -> SortableTable:
    scores = [edited.by]
    scores += [name for name in edited.changes[0].differences if name != edited.by]
    return SortableTable(
        columns=[
            Column(title="change", numeric=False, folded=True),
            Column(title="told apart", numeric=False, meaning=f"By {edited.by}"),
            *(Column(title=name, meaning=_label(name)) for name in scores),
        ],
        rows=[
            [
                words(change.name),
                _verdict(change),
                *(between(change.differences[name]) for name in scores),
            ]
            for change in edited.changes
        ],
    )


def _verdict(change: Change) -> Cell:
    if change.status != "ok":
        return words(change.status, detail=change.reason or "")
    return words(VERDICTS[change.verdict])


OWN, OTHER = "this network", "the other one"
"""What the two networks are called where there is no room for their names."""


def against_sections(own: Explanation, against: Against) -> Iterator[Section]:
    """The other network: its scores beside the explained one's, depth, cosines, findings."""
    other = against.explanation
    yield Section(
        title="Against another network",
        text=[other.model, _against_said(against)],
        table=_score_table(against),
        notes=[_repeats(against.repeats, "this pair")],
    )
    if other.failure is not None:
        yield Section(
            title="Both networks side by side",
            text=[f"The other one could not be explained: {other.failure}."],
        )
        return
    pictures = [_both_depths(own, other)] if own.layers and other.layers else []
    pictures += [
        gram_picture(each, f"{name.capitalize()}: ")
        for name, each in ((OWN, own), (OTHER, other))
        if each.cosines
    ]
    said = [finding.text for finding in other.findings] or ["Nothing stands out."]
    yield Section(
        title="Both networks side by side",
        text=["What is to be known of the other one:", *said],
        pictures=pictures,
    )


def _against_said(against: Against) -> str:
    change = against.change
    if change.status != "ok":
        return f"By {against.by} there is no difference: {change.status}, {change.reason}."
    verdict = {
        "better": "this other network is better",
        "worse": "this other network is worse",
        "open": "the two cannot be told apart",
        None: "whether the two can be told apart is not tested",
    }[change.verdict]
    return f"By {against.by} ({better_of(against.by)} is better), {verdict}."


def _score_table(against: Against) -> SortableTable:
    return SortableTable(
        columns=[
            Column(title="score", numeric=False),
            Column(title=OWN, meaning="Mean over the repeats"),
            Column(title=OTHER, meaning="Mean over the repeats"),
            Column(title="difference", meaning="The other one less this, with 95 % interval"),
            Column(title="unit", numeric=False),
        ],
        rows=[
            [
                words(name, detail="low is better" if better_of(name) == "lower" else ""),
                figure(each.before),
                figure(each.after),
                between(each),
                words(unit_of(name)),
            ]
            for name, each in against.change.differences.items()
        ],
    )


def _both_depths(own: Explanation, other: Explanation) -> Picture:
    """Conflict by depth of both, over their length."""
    traces = []
    for place, (name, each) in enumerate(((OWN, own), (OTHER, other))):
        last = max(len(each.layers) - 1, 1)
        shares = [row.conflict_fraction for row in each.layers]
        traces.append(
            along(
                each.layers,
                [None if value is None else 100 * value for value in shares],
                name,
                place,
                said="opposed, %:",
                x=[100 * (row.position - 1) / last for row in each.layers],
            )
        )
    return Picture(
        caption="Share of opposed pairs of samples in each layer of both networks.",
        figure=chart(
            traces,
            "depth, % of the layers",
            "opposed pairs (%)",
            y_axis={"rangemode": "tozero"},
        ),
        wide=True,
    )
