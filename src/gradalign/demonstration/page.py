"""The demo as a page."""

from __future__ import annotations

from dataclasses import replace

from gradalign.demonstration.findings import measured, not_shown, paired, pass_time
from gradalign.demonstration.run import PLAN, Demo, best_size, training
from gradalign.pages import Compared, part_of, versions
from gradalign.report import Highlight, Page, render


def page(demo: Demo) -> str:
    """The text of one self-contained HTML file."""
    compared = list(demo.compared.values())
    part = part_of(demo.networks, compared, protocols=demo.protocols)
    views = [
        replace(
            view,
            highlights=_highlights(own),
            notes=(*view.notes, *paired(demo), pass_time(demo)),
        )
        for view, own in zip(part.views, compared, strict=True)
    ]
    return render(
        Page(
            title=f"{len(demo.networks.models):,} networks ranked before training",
            lead=(measured(demo), not_shown(demo)),
            parts=[replace(part, views=views)],
            facts=[
                ("draw", f"of the networks with seed {demo.seed}"),
                ("processes", f"{demo.workers} with one thread each, {PLAN.device}"),
                ("time", f"{demo.seconds:.0f} s in all, {demo.seconds_a_network:.2f} s a pass"),
                *versions(),
            ],
        )
    )


def _highlights(compared: Compared) -> list[Highlight]:
    """The scores of the paper and what they have to be better than."""
    found = compared.evaluation
    size, trained = best_size(found), training(found)
    details = {size.proxy: "the best measure of size", trained.proxy: f"cost: {trained.cost}"}
    chosen = ("gradalign_plus", "gradalign_i", "gradalign_ii", size.proxy, trained.proxy)
    taus = {name: found.row(name).kendall_tau for name in chosen}
    return [
        Highlight(
            value="-" if tau is None else f"{tau:.2f}",
            label=name,
            detail=details.get(name, f"tau with {compared.label} accuracy"),
        )
        for name, tau in taus.items()
    ]
