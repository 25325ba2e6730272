"""What a reader should know first, said from the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean

from gradalign.explanation.result import (
    ClassFigures,
    Finding,
    LayerFigures,
    PairFigures,
    SampleFigures,
)

ALIKE = 1 - 1e-6
"""Cosine from which on two gradients are taken for equal in direction."""

NAMED = 3
"""Things that one finding names."""


def of_layers(rows: Sequence[LayerFigures], zero: Sequence[str]) -> Iterator[Finding]:
    """Layers that cannot learn, the cause before what follows from it.

    Where no gradient arrives at the outputs of several layers, the last of them in forward order
    comes first: those before it get none because it passes none on.
    """
    for name in zero:
        yield Finding(
            kind="zero_weights",
            text=f"All weights of layer {name} are zero: nothing passes it, forward or backward.",
            layers=(name,),
        )
    dead = [row for row in rows if not row.live]
    last = [row for row in reversed(dead) if row.fault.startswith("no gradient")]
    named = [*last, *(row for row in dead if row not in last)]
    for row in named[:NAMED]:
        yield Finding(
            kind="dead_layer",
            text=f"Layer {row.name} gets no gradient from any sample ({row.fault}): it does not "
            "learn.",
            layers=(row.name,),
        )
    more = [row.name for row in named[NAMED:]]
    if more:
        yield Finding(
            kind="dead_layer",
            text=f"{len(more)} more get no gradient: {', '.join(more)}.",
            layers=tuple(more),
        )


def of_inputs(same: Sequence[PairFigures]) -> Iterator[Finding]:
    """Inputs that occur twice: under two labels first, then under one."""
    for pair in same:
        i, j = pair.samples
        if pair.labels[0] != pair.labels[1]:
            yield Finding(
                kind="contradiction",
                text=f"Samples {i} and {j} are the same input under the labels {pair.labels[0]} "
                f"and {pair.labels[1]}: no weights fit both (cosine of their gradients "
                f"{pair.cosine:.2f}).",
                samples=pair.samples,
            )
    for pair in same:
        i, j = pair.samples
        if pair.labels[0] == pair.labels[1]:
            label = "" if pair.labels[0] is None else f", both of class {pair.labels[0]}"
            yield Finding(
                kind="duplicate",
                text=f"Samples {i} and {j} are the same input{label}: the second adds no direction "
                f"(cosine of their gradients {pair.cosine:.2f}).",
                samples=pair.samples,
            )


def of_alike(alike: Sequence[PairFigures]) -> Iterator[Finding]:
    """Different inputs whose gradients have one direction."""
    found = [pair for pair in alike if pair.cosine >= ALIKE and not pair.same_input]
    if found:
        named = ", ".join(f"{i} and {j}" for i, j in (pair.samples for pair in found[:NAMED]))
        more = f" and {len(found) - NAMED} more pairs listed" if len(found) > NAMED else ""
        yield Finding(
            kind="alike",
            text=f"The gradients of samples {named}{more} have one direction, though their inputs "
            "differ: the network does not tell them apart.",
            samples=tuple(sorted({i for pair in found for i in pair.samples})),
        )


def of_conflict(rows: Sequence[LayerFigures]) -> Iterator[Finding]:
    """Where gradients oppose each other most and least."""
    measured = [row for row in rows if row.conflict_fraction is not None]
    if len(measured) < 2:
        return
    most = max(measured, key=lambda row: row.conflict_fraction or 0.0)
    least = min(measured, key=lambda row: row.conflict_fraction or 0.0)
    yield Finding(
        kind="layer",
        text=f"Layer {most.name} has the most conflict: {most.conflict_fraction:.0%} of its pairs "
        f"are opposed, mean cosine {most.mean_cosine:+.2f}; layer {least.name} has the least: "
        f"{least.conflict_fraction:.0%}, {least.mean_cosine:+.2f}.",
        layers=(most.name, least.name),
    )


def of_classes(
    rows: Sequence[ClassFigures], cosines: Sequence[Sequence[float | None]]
) -> Iterator[Finding]:
    """Which two classes pull apart most, and which class hangs together least."""
    found = [
        (value, first.label, second.label)
        for a, first in enumerate(rows)
        for b, second in enumerate(rows)
        if a < b and (value := cosines[a][b]) is not None
    ]
    if found:
        value, first, second = min(found)
        yield Finding(
            kind="classes",
            text=f"Classes {first} and {second} pull apart most: mean cosine {value:+.2f}, against "
            f"{mean(each[0] for each in found):+.2f} between two classes in the mean.",
        )
    inside = [row for row in rows if row.within is not None]
    if len(inside) > 1:
        least = min(inside, key=lambda row: row.within or 0.0)
        yield Finding(
            kind="classes",
            text=f"Class {least.label} hangs together least: mean cosine of its pairs "
            f"{least.within:+.2f}, against {mean(row.within or 0.0 for row in inside):+.2f} in the "
            "mean.",
        )


def of_samples(rows: Sequence[SampleFigures]) -> Iterator[Finding]:
    """The sample that goes least with its own class."""
    found = [row for row in rows if row.own_class is not None]
    if len(found) > 1:
        odd = min(found, key=lambda row: row.own_class or 0.0)
        yield Finding(
            kind="sample",
            text=f"Sample {odd.index} goes least with its class {odd.label}: mean cosine "
            f"{odd.own_class:+.2f}, against {mean(row.own_class or 0.0 for row in found):+.2f} in "
            "the mean. Alone, before training, that is weak evidence of a wrong label.",
            samples=(odd.index,),
        )


def of_contributions(rows: Sequence[LayerFigures], values: dict[str, float]) -> Iterator[Finding]:
    """Which layer each score owes most to."""
    named = []
    for score, value in values.items():
        shares = [(row.contributions.get(score, 0.0), row.name) for row in rows]
        largest, name = max(shares, default=(0.0, ""))
        if value > 0 and largest > 0:
            named.append(f"of {score} layer {name} ({largest / value:.0%})")
    if named:
        yield Finding(kind="contribution", text=f"Largest share of one layer: {', '.join(named)}.")
