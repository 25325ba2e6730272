"""What the numbers of the study say, in sentences made from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gradalign.studies._estimates import number
from gradalign.studies._study import Document
from gradalign.studies.linear_regions.sampling import BATCHES, SAMPLES
from gradalign.studies.linear_regions.searching import CLEAR
from gradalign.studies.linear_regions.shares import places_seen, saturated_stacks
from gradalign.studies.linear_regions.verdicts import TEST

Numbers = Mapping[str, Any]

NAMES: Mapping[str, str] = {
    "linear_regions": "distinct codes of the batch",
    "tenas_regions": "TE-NAS's count",
    "swap": "SWAP",
    "line_regions": "the exact count along lines",
}
"""The counts, as sentences have them."""

_PAIRS = {
    "pair": "",
    "clear_pair": f" in which one count is {CLEAR:g} times the other",
    "pair_of_a_size": " of the same params, macs and layers",
}

UNCHANGED = 2.0
"""Percentage points of accuracy within which a change is said to change nothing."""


def findings(document: Document) -> list[str]:
    """One paragraph for each thing that the study asks."""
    return [
        _summary(document["verdicts"]),
        *map(_verdicts, document["benchmarks"], _by_benchmark(document)),
        *_sampling(document["sampling"]),
        *_exact(document["benchmarks"]),
        *_wrong(document["benchmarks"]),
        *_trained(document["trained"]),
        _changes(document["trained"]["changes"]),
    ]


def estimate(found: Numbers, decimals: int = 2) -> str:
    """A mean of the document, with its interval."""
    return number(found["value"], found["ci"], decimals)


def _by_benchmark(document: Document) -> list[list[Numbers]]:
    return [
        [each for each in document["verdicts"] if each["benchmark"] == own["benchmark"]]
        for own in document["benchmarks"]
    ]


def _summary(verdicts: Sequence[Numbers]) -> str:
    """How often each verdict was given."""
    judged = [v for v in verdicts if v["verdict"] not in ("constant", "not measured")]
    counts = Counter(v["verdict"] for v in judged)
    others = Counter(v["verdict"] for v in verdicts if v not in judged)
    left = "".join(f", {name} {times} times" for name, times in sorted(others.items()))
    return (
        f"Is the number of linear regions at initialization enough to order networks by? Of "
        f"{len(judged)} verdicts, one for each benchmark and count that varies, "
        f"{counts['insufficient']} are insufficient, {counts['sufficient']} sufficient and "
        f"{counts['undecided']} undecided{left}. The test: {TEST}."
    )


def _verdicts(benchmark: Numbers, verdicts: Sequence[Numbers]) -> str:
    best = max(network["accuracy"] for network in benchmark["networks"])
    return (
        f"On {benchmark['benchmark']} ({benchmark['metric']}, {benchmark['n']} networks, the best "
        f"at {best:.2f}): {'; '.join(map(_verdict, verdicts))}."
    )


def _verdict(each: Numbers) -> str:
    name = NAMES[each["count"]]
    failed = f", {each['failed']} failed" if each["failed"] else ""
    if each["verdict"] == "not measured":
        return f"{name}: not measured ({'; '.join(each['reasons'])})"
    if each["verdict"] == "constant":
        return f"{name}: constant, {each['most']:g} for every network{failed}"
    top = f", {each['at_most']:.0%} of the networks at its highest value" * (each["at_most"] > 0.05)
    return (
        f"{name}: {each['verdict']}, tau {number(each['tau'], each['tau_ci'])}, less that of "
        f"{each['size']} {number(each['difference'], each['ci'])}, partial tau "
        f"{number(each['partial_tau'], each['partial_tau_ci'])}, its choice falls short of the "
        f"best by {each['regret']:.2f}{top}{failed}"
    )


def _sampling(sampled: Sequence[Numbers]) -> Iterator[str]:
    for kind, where in (("line", "the line between two digits"), ("plane", "the square of three")):
        few, many = (places_seen(sampled, kind, k) for k in (0, len(SAMPLES) - 1))
        if few is not None and many is not None:
            yield (
                f"Of the regions that are on {where}, exactly counted, {SAMPLES[0]} random points "
                f"meet {_percent(few)} and {SAMPLES[-1]:,} points {_percent(many)} (mean over "
                "stacks of linear layers, interval over initialisations)."
            )
    told = []
    for place, size in enumerate(BATCHES):
        full, stacks = saturated_stacks(sampled, place)
        told.append(f"{size:,} digits in {full} of {stacks}")
    yield (
        "The number of distinct codes of a batch cannot exceed its size, and reaches it for "
        f"{', '.join(told)} newly initialised stacks: there it says nothing of the network."
    )


def _percent(found: Numbers) -> str:
    ci = None if found["ci"] is None else [100 * end for end in found["ci"]]
    return f"{number(100 * found['value'], ci, 0)} %"


def _exact(benchmarks: Sequence[Numbers]) -> Iterator[str]:
    for own in benchmarks:
        told = [
            f"{NAMES[each['count']]} {number(each['tau'], each['ci'])}"
            for each in own["exact"]
            if each["tau"] is not None
        ]
        if told:
            yield (
                f"Do sampled counts order the networks of {own['benchmark']} as the exact count "
                f"does? Tau with it: {', '.join(told)}."
            )


def _wrong(benchmarks: Sequence[Numbers]) -> Iterator[str]:
    """How often the counts of a benchmark put two networks in the wrong order."""
    for own in benchmarks:
        told = [
            f"{NAMES[found['count']]} in {found['wrong']:.0%} (equal in {found['tied']:.0%})"
            for found in own["counterexamples"]
            if found["pair"] is not None
        ]
        if told:
            yield (
                f"Of all pairs of the networks of {own['benchmark']}, the less accurate one has "
                f"the higher count: {', '.join(told)}."
            )


def counterexamples(document: Document) -> list[str]:
    """The worst pairs and series against each count, one paragraph for each of a benchmark."""
    return [
        _search(own, found)
        for own in document["benchmarks"]
        for found in own["counterexamples"]
        if found["pair"] is not None
    ]


def _search(benchmark: Numbers, found: Numbers) -> str:
    """What a search among the pairs of a benchmark found against a count."""
    name, chain = NAMES[found["count"]], found["chain"]
    parts = [
        f"{benchmark['benchmark']}, {name}: of {found['pairs']:,} pairs the count is higher for "
        f"the less accurate network in {found['wrong']:.0%} and the same in {found['tied']:.0%}"
    ]
    if len(chain) > 1:
        parts.append(
            f"the longest series in which every step raises the count and lowers accuracy has "
            f"{len(chain)} networks, from a count of {chain[0]['count']:.5g} at "
            f"{chain[0]['accuracy']:.2f} to {chain[-1]['count']:.5g} at {chain[-1]['accuracy']:.2f}"
        )
    for key, kind in _PAIRS.items():
        pair = found[key]
        if pair is not None:
            parts.append(f"the worst pair{kind}: {_pair(pair)}")
    return f"{'; '.join(parts)}."


def _pair(pair: Numbers) -> str:
    """A pair of a search, and whether the order of its counts is seen again."""
    (a, b), (high, low) = pair["accuracy"], pair["count"]
    again = pair["difference"]
    text = f"counts of {high:.5g} and {low:.5g}, accuracies of {a:.2f} and {b:.2f}"
    if again is None:
        return text
    kept = "not seen again"
    if again["ci"] is not None and again["ci"][0] > 0:
        kept = "seen again"
    elif again["value"] == 0:
        kept = "equal again"
    return f"{text} ({kept} from other initialisations: counts differ by {estimate(again, 1)})"


def _trained(trained: Numbers) -> Iterator[str]:
    pair = trained["pair"]
    if pair is not None:
        more, worse = pair["regions"], pair["accuracy"]
        holds = _above(more) and _below(worse)
        yield (
            f"Trained on digits, {pair['archs'][0]} against {pair['archs'][1]}, chosen among "
            f"{len(trained['pool'])} stacks as the worst pair and trained anew with {pair['n']} "
            f"other seeds: {estimate(more, 1)} regions a line more and {estimate(worse, 1)} points "
            f"of test accuracy, which {'is' if holds else 'does not stand as'} a counter-example."
        )
    ends, family = trained["family_ends"], trained["family"]
    said = (
        "a family of counter-examples"
        if _above(ends["regions"]) and _below(ends["accuracy"])
        else "no counter-example"
    )
    yield (
        f"Stacks of {family[0]['arch']} units that grow from {_depth(family[0])} to "
        f"{_depth(family[-1])} hidden layers: regions a line change by "
        f"{estimate(ends['regions'], 1)}, test accuracy by {estimate(ends['accuracy'], 1)} points: "
        f"{said}."
    )


def _depth(each: Numbers) -> int:
    return str(each["arch"]).count("-") + 1


def _above(found: Numbers) -> bool:
    return found["ci"] is not None and found["ci"][0] > 0


def _below(found: Numbers) -> bool:
    return found["ci"] is not None and found["ci"][1] < 0


def effect_of(change: Numbers) -> str:
    """What a change of initial weights shows about the count, from its intervals."""
    accuracy = change["accuracy"]
    moved = _above(accuracy) or _below(accuracy)
    counted = _above(change["regions"]) or _below(change["regions"])
    still = accuracy["ci"] is not None and max(map(abs, accuracy["ci"])) <= UNCHANGED
    if change["same_count"] and moved:
        return "the same regions, another accuracy"
    if counted and still:
        return "other regions, the same accuracy"
    if counted and moved:
        return "both change"
    if change["same_count"] and still:
        return "neither changes"
    return "undecided"


def _changes(changes: Sequence[Numbers]) -> str:
    """How often a change of initial weights moved the count and the accuracy."""
    counts = Counter(map(effect_of, changes))
    return (
        f"Of {len(changes)} changes of initial weights, "
        + ", ".join(f"{times}: {said}" for said, times in counts.most_common())
        + f" (the same: within {UNCHANGED:g} points at both ends of the interval)."
    )
