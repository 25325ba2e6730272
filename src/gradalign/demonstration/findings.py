"""What the demo found, in sentences; every number in them is of the run."""

from __future__ import annotations

from gradalign.demonstration.run import METRICS, PLAN, Demo, best_size, training
from gradalign.evaluation import PairedDifference

FIRST = next(iter(METRICS))
"""The accuracy that sentences speak of."""


def measured(demo: Demo) -> str:
    """One line on what was measured."""
    shape = "x".join(map(str, PLAN.input_size or ()))
    return (
        f"Measured: {len(demo.networks.models):,} of the {len(demo.benchmark):,} NAS-Bench-201 "
        f"networks of the embedded table, freshly initialised, one batch of {PLAN.batch_size} "
        f"{PLAN.data} at {shape} (norm={PLAN.norm}, seed {demo.seed}), against their published "
        "test accuracy after 200 epochs."
    )


def not_shown(demo: Demo) -> str:
    """One line on what the figures do not show."""
    found = demo.evaluations[FIRST]
    size = best_size(found)
    plus, conflict = found.row("gradalign_plus"), found.row("conflict_fraction")
    return (
        "Not shown: that conflict between gradients as such predicts accuracy. On "
        f"{METRICS[FIRST]} conflict_fraction alone has tau {_tau(conflict.kendall_tau)}, "
        f"{size.proxy} alone {_tau(size.kendall_tau)}, and with params, macs and layers held "
        f"constant gradalign_plus keeps {_tau(plus.partial_tau)}; in the best tenth of the "
        f"networks it has {_tau(plus.top10_tau)}. Other draws, spaces and data give other figures."
    )


def paired(demo: Demo) -> list[str]:
    """The differences to the best measure of size, a line for each score."""
    lines = []
    differences = demo.differences
    for proxy in dict.fromkeys(each.proxy_a for each in differences):
        own = [each for each in differences if each.proxy_a == proxy]
        lines.append(f"{proxy} less the best size: {'; '.join(map(_difference, own))}.")
    return lines


def pass_time(demo: Demo) -> str:
    """One line on what the scores and the training cost."""
    return (
        f"One pass of {demo.seconds_a_network:.2f} s a network on one core gives all scores; short "
        f"training takes {training(demo.evaluations[FIRST]).cost}. In all {demo.seconds:.0f} s "
        f"with {demo.workers} processes."
    )


def _difference(found: PairedDifference) -> str:
    where = f"{METRICS[found.metric]} ({found.proxy_b})"
    if found.difference is None or found.difference_ci is None:
        return f"not defined on {where}"
    low, high = found.difference_ci
    return f"{found.difference:+.2f} [{low:+.2f}, {high:+.2f}] on {where}"


def _tau(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
