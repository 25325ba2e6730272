"""What the numbers of the study say, in sentences made from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gradalign.studies._estimates import number
from gradalign.studies._study import Document
from gradalign.studies.convergence.measures import CONFLICT, SUMS

Numbers = Mapping[str, Any]

OUTCOMES = {"speed": "slower convergence", "accuracy": "lower accuracy"}

SAID = {
    "evidence for": "Evidence that conflict hinders",
    "evidence against": "Evidence against it: more conflict goes with the better outcome",
    "no evidence": "No evidence either way",
}


def findings(document: Document) -> list[str]:
    """One paragraph for each thing that the study asks."""
    return [
        _summary(document["hypotheses"]),
        *map(_hypothesis, document["hypotheses"]),
        _sums(document),
        *_within(document),
        *_effects(document),
    ]


def _summary(hypotheses: Sequence[Numbers]) -> str:
    """How the tests that were named beforehand came out."""
    counts = Counter(each["verdict"] for each in hypotheses)
    return (
        "Does conflict before training predict, over architectures, how training goes? Of "
        f"{len(hypotheses)} tests of the claim that conflict hinders, named beforehand, "
        f"{counts['evidence for']} found evidence for it, {counts['evidence against']} evidence "
        f"against it and {counts['no evidence']} no evidence."
    )


def _hypothesis(each: Numbers) -> str:
    p = "" if each["p_holm"] is None else f", p {_p(each['p_holm'])} after Holm's correction"
    measure, outcome = CONFLICT[each["measure"]].words, OUTCOMES[each["outcome"]]
    return (
        f"Does {measure} before training go with {outcome}, beyond params, macs and depth? "
        f"{SAID[each['verdict']]}: partial tau "
        f"{number(each['partial_tau'], each['partial_tau_ci'])}{p}; without holding size "
        f"constant tau is {number(each['tau'], each['tau_ci'])}. Both are means over the "
        "spaces, positive where the claim holds."
    )


def _p(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"{value:.2g}"


def _sums(document: Document) -> str:
    """What the summed scores do, for comparison."""
    parts = []
    for outcome in OUTCOMES:
        found = [each for each in document["evaluations"] if each["metric"] == outcome]
        for name in SUMS:
            rows = [row for each in found for row in each["rows"] if row["proxy"] == name]
            taus = ", ".join(
                f"{each['benchmark']} {number(row['partial_tau'], row['partial_tau_ci'])}"
                for each, row in zip(found, rows, strict=True)
            )
            parts.append(f"{name} with {outcome}: {taus}")
    return (
        "The summed scores hold size as well as conflict, and are no measure of conflict alone. "
        f"Their partial tau given params, macs and layers: {'; '.join(parts)}."
    )


def _within(document: Document) -> Iterator[str]:
    told = "; ".join(
        f"{each['measure']} with {each['outcome']} {number(each['tau'], each['ci'])} "
        f"({each['n']} architectures)"
        for each in document["within"]
    )
    clear = [each for each in document["within"] if each["ci"] and not _around_zero(each["ci"])]
    verdict = (
        f"{len(clear)} of {len(document['within'])} intervals leave 0 out"
        if clear
        else "no interval leaves 0 out"
    )
    yield (
        "Among trainings of one and the same architecture, which differ in initialisation and "
        f"order only, {verdict}: mean tau of {told}."
    )


def _around_zero(ci: tuple[float, float]) -> bool:
    return ci[0] <= 0 <= ci[1]


def _effects(document: Document) -> Iterator[str]:
    """The interventions: first all together, then one by one."""
    effects: list[Numbers] = document["effects"]
    for measure in CONFLICT.values():
        counts = Counter(each["agreement"][measure.name] for each in effects)
        yield (
            f"Of {len(effects)} interventions that change {measure.words} in one and the same "
            f"architecture, in {counts['agrees']} more conflict went with slower convergence or "
            f"less with faster, in {counts['contradicts']} it was the other way round, and in "
            f"{counts['undecided']} an interval of one of the two holds 0."
        )
    meanings = {each["name"]: each["meaning"] for each in document["changes"]}
    for each in effects:
        conflict = ", ".join(
            f"{name} {number(own['value'], own['ci'])}" for name, own in each["conflict"].items()
        )
        loss, accuracy = each["loss"], each["accuracy"]
        diverged = f"; {each['diverged']} diverged" if each["diverged"] else ""
        yield (
            f"{each['change'].capitalize()} ({meanings[each['change']]}), {each['level']} against "
            f"{each['baseline']}: conflict changes by {conflict} (positive: more of it), the mean "
            f"loss over the training by {number(loss['value'], loss['ci'])} (positive: "
            f"slower), test accuracy by {number(accuracy['value'], accuracy['ci'])} points, "
            f"over {loss['n']} pairs{diverged}."
        )
