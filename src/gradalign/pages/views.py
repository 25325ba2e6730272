"""What is shown of networks beside one accuracy, or without any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradalign.pages.compared import Compared, held
from gradalign.pages.curves import selection_curves
from gradalign.pages.findings import compared_findings, plain_findings
from gradalign.pages.highlights import compared_highlights, plain_highlights
from gradalign.pages.kinds import is_reference
from gradalign.pages.networks import Networks
from gradalign.pages.rows import NEAR, best_of, score_table
from gradalign.pages.spread import spread_table
from gradalign.report import AccuracyAxis, Dot, View


def compared_view(compared: Compared, siblings: Sequence[Compared], models: Sequence[str]) -> View:
    """Scores beside an accuracy.

    Args:
        compared: The accuracy.
        siblings: The other accuracies of the same table.
        models: Networks that are drawn as points.
    """
    values = held(compared.benchmark, models)[compared.metric.name]
    return View(
        name=compared.title,
        highlights=compared_highlights(compared),
        dots=[
            Dot(
                name=row.proxy,
                value=row.kendall_tau,
                interval=row.kendall_tau_ci,
                reference=is_reference(row.proxy, trained=row.cost is not None),
            )
            for row in compared.evaluation.rows
            if row.kendall_tau is not None
        ],
        dots_label=f"tau with {compared.label}",
        table=score_table(compared, siblings),
        notes=tuple(_notes(compared)),
        curves=selection_curves(compared),
        accuracies=AccuracyAxis(
            label=compared.label,
            values=[None if value != value else float(value) for value in values],
            percent=compared.percent,
        ),
        findings=compared_findings(compared),
    )


def plain_view(networks: Networks) -> View:
    """Scores without accuracies."""
    return View(
        name=f"{networks.name}, scores alone",
        highlights=plain_highlights(networks),
        table=spread_table(networks),
        notes=(
            "No accuracies of these networks are at hand, so this page cannot say how far a score "
            "can be trusted. --benchmark names a table, or a file of one's own.",
        ),
        findings=plain_findings(networks),
    )


def _notes(compared: Compared) -> Iterator[str]:
    found = compared.evaluation
    yield (
        "tau is positive where the score points where it promises to. Smaller, below a value: its "
        "95 % interval over networks. Networks whose score failed are ranked last."
    )
    best = best_of(found)
    if best is not None:
        yield (
            f"{NEAR}: cannot be told apart from {best.proxy} (paired difference of tau, p at least "
            ".05 after Holm's correction). Short training is not among those compared: it is not "
            "free of training."
        )
    ceiling = found.noise_ceiling
    if ceiling is not None:
        yield (
            f"Noise ceiling: the accuracies of two trainings of these networks have tau "
            f"{ceiling.between:.2f} with each other; a perfect score would have "
            f"{ceiling.of_mean:.2f} with the mean of {ceiling.trainings} trainings."
        )
    if found.unmatched:
        yield f"{found.unmatched:,} networks have no {compared.label} and are not in the table."
