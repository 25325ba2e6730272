"""All that a page shows of networks that can be compared with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradalign.pages.agreement import agreement, agreement_note
from gradalign.pages.compared import Compared
from gradalign.pages.facts import networks_facts
from gradalign.pages.failures import failure_note, failure_table
from gradalign.pages.kinds import better_of, unit_of
from gradalign.pages.networks import Networks
from gradalign.pages.protocols import Conditions
from gradalign.pages.views import compared_view, plain_view
from gradalign.report import Part, Scatter

POINTS = 1000
"""Networks that are drawn as points: of more, so many are drawn at random."""

SIZE = "macs"
"""The score that colours the points."""


def part_of(
    networks: Networks,
    compared: Sequence[Compared] = (),
    *,
    protocols: Mapping[str, Conditions],
) -> Part:
    """Networks with their scores, beside accuracies where there are some.

    Args:
        networks: The networks, of every score the records of one protocol.
        compared: A view for each of these; without any, one view without accuracies.
        protocols: The conditions by hash.
    """
    models = networks.drawn(POINTS)
    views = [compared_view(each, _siblings(each, compared), models) for each in compared] or [
        plain_view(networks)
    ]
    return Part(
        name=f"{len(networks.models):,} of {networks.name}",
        views=views,
        networks=[_text(networks, model) for model in models],
        points=_points(networks, models),
        colour=_colour(networks, models),
        scatters=_scatters(networks, compared, models),
        agreement=agreement(networks),
        agreement_note=agreement_note(networks),
        failures=failure_table(networks),
        failures_note=failure_note(networks),
        facts=networks_facts(networks, compared, protocols),
    )


def _siblings(own: Compared, compared: Sequence[Compared]) -> list[Compared]:
    return [
        each for each in compared if each is not own and each.benchmark.name == own.benchmark.name
    ]


def _text(networks: Networks, model: str) -> str:
    """A network as its point names it: without the prefix of the space, which all share."""
    return model.partition(":")[2] if networks.space is not None else model


def _points(networks: Networks, models: Sequence[str]) -> str:
    if len(models) == len(networks.models):
        return ""
    return (
        f"{len(models):,} of the {len(networks.models):,} are shown, drawn at random; all figures "
        "are of all networks."
    )


def _values(networks: Networks, name: str, models: Sequence[str]) -> list[float | None]:
    return [
        None if value != value else float(value) for value in networks.values.loc[[*models], name]
    ]


def _colour(networks: Networks, models: Sequence[str]) -> tuple[Sequence[float | None], str] | None:
    if SIZE not in networks.values:
        return None
    return _values(networks, SIZE, models), "its multiply-adds, from few (blue) to many (orange)"


def _scatters(
    networks: Networks, compared: Sequence[Compared], models: Sequence[str]
) -> list[Scatter]:
    """A chart for each score that has a value: those with the highest tau first."""
    taus = {
        each.title: {row.proxy: row.kendall_tau for row in each.evaluation.rows}
        for each in compared
    }
    names = [str(name) for name in networks.values if networks.values[name].notna().any()]
    if compared:
        order = [row.proxy for row in compared[0].evaluation.rows]
        names.sort(key=lambda name: order.index(name) if name in order else len(order))
    return [
        Scatter(
            name=name,
            unit=unit_of(name),
            better=better_of(name),
            values=_values(networks, name, models),
            tau={label: own.get(name) for label, own in taus.items()},
        )
        for name in names
    ]
