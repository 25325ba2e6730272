"""What the study found, in sentences; every number in them is of the document."""

from __future__ import annotations

from collections.abc import Iterator

from gradalign.studies._estimates import number
from gradalign.studies._study import Document
from gradalign.studies.sensitivity.conditions import REFERENCE
from gradalign.studies.sensitivity.measuring import MAIN, SCORES, SIZE_FREE, WITHOUT_DATA
from gradalign.studies.sensitivity.reading import (
    MARGIN,
    Row,
    agreement,
    cheapest,
    factors,
    row_of,
    rows,
    seconds,
    told_apart,
)

NOISE = "images: noise"

OF_IMAGES = ("images", "images at 32x32", "batch size 2", "norm identity")
"""Factors of which the images are other ones than digits."""


def findings(document: Document) -> list[str]:
    """The sentences, each claim with its 95 % interval."""
    return [
        _reference(document),
        *(_moves(document, score) for score in (MAIN, SIZE_FREE)),
        _by_factor(document),
        *_cheap(document),
        *_trial(document),
        *_why(document),
        *_fails(document),
    ]


def _reference(document: Document) -> str:
    row, base = row_of(document, MAIN, REFERENCE), document["baselines"]
    sizes = "; ".join(f"{own['score']} {number(own['tau'], own['tau_ci'])}" for own in base)
    return (
        f"In the reference {MAIN} orders {row['n']} {document['space']} networks by "
        f"{document['metric']} accuracy with tau {number(row['tau'], row['tau_ci'])}, and with "
        f"{number(row['partial_tau'], row['partial_tau_ci'])} where params, macs and layers are "
        f"held constant, in {seconds(document, row):.2f} s a network. Without a batch: {sizes}."
    )


def _moves(document: Document, score: str) -> str:
    own = [row for row in rows(document, score) if row["difference"] is not None]
    if not own:
        return f"{score}: no condition can be compared with the reference."
    apart = [row for row in own if told_apart(row)]
    lowest = min(own, key=lambda row: row["difference"])
    names = f" ({'; '.join(row['condition'] for row in apart)})" if apart else ""
    return (
        f"{score}: of {len(own)} other conditions {len(apart)} are told apart from the reference "
        f"by tau, after Holm's correction{names}. The lowest tau is "
        f"{number(lowest['tau'], lowest['tau_ci'])} with {lowest['condition']}, "
        f"{number(lowest['difference'], lowest['difference_ci'], sign='+')} against the reference."
    )


def _by_factor(document: Document) -> str:
    """For each thing that is changed, the change of tau that is furthest from 0."""
    parts = []
    for factor in factors(document):
        own = [
            row
            for row in rows(document, MAIN)
            if row["difference"] is not None
            and document["settings"][row["condition"]]["factor"] == factor
        ]
        if own:
            row = max(own, key=lambda row: abs(row["difference"]))
            level = document["settings"][row["condition"]]["level"]
            change = number(row["difference"], row["difference_ci"], sign="+")
            parts.append(f"{factor} ({level}) {change}")
    return f"Largest change of the tau of {MAIN}: {'; '.join(parts)}."


def _cheap(document: Document) -> Iterator[str]:
    cost = seconds(document, row_of(document, MAIN, REFERENCE))
    for said, lowest in (
        ("whose difference to the reference has an interval that reaches 0", None),
        (f"whose interval excludes a loss of {MARGIN} or more", -MARGIN),
    ):
        row = cheapest(document, MAIN, lowest)
        if row is None:
            yield f"There is no condition of {MAIN} {said}."
            continue
        own = seconds(document, row)
        change = number(row["difference"], row["difference_ci"], sign="+")
        yield (
            f"The cheapest condition of {MAIN} {said}: {row['condition']}, {change}, tau "
            f"{number(row['tau'], row['tau_ci'])}, {own:.3f} s a network, "
            f"{own / cost:.0%} of the reference's time on this machine."
        )


def _trial(document: Document) -> Iterator[str]:
    for score in (MAIN, SIZE_FREE):
        pairs = [each for each in document["trial"] if each["score"] == score]
        said = "; ".join(
            f"{each['proxy_a']} less {each['proxy_b']} "
            f"{number(each['difference'], each['difference_ci'], sign='+')}"
            for each in pairs
        )
        apart = sum(map(told_apart, pairs))
        yield (
            f"Digits, noise and other images, difference of the tau of {score}: {said}. After "
            f"Holm's correction {apart} of {len(pairs)} differ."
        )


def _why(document: Document) -> Iterator[str]:
    own = [each for each in document["shares"] if each["score"] == MAIN]
    parts = "; ".join(
        f"{number(each['share'], each['share_ci'])} over {each['over']}" for each in own
    )
    yield f"Share of the variance of the ranks of {MAIN} that lies between networks: {parts}."
    for b, meaning in (
        (NOISE, "noise in place of digits"),
        ("images: natural", "natural images in place of digits"),
        ("labels: all permuted", "permuted labels"),
        ("images: one digit, 32 times", "one image in place of all"),
    ):
        row = agreement(document, MAIN, b)
        if row is not None:
            yield (
                f"With {meaning} the networks keep their order by {MAIN} with rho "
                f"{number(row['rho'], row['rho_ci'])}; with sizes and {WITHOUT_DATA} held "
                f"constant the orders agree with tau "
                f"{number(row['beyond_size'], row['beyond_size_ci'])}."
            )
    yield from _normalisation(document)


def _normalisation(document: Document) -> Iterator[str]:
    with_norm = agreement(document, MAIN, NOISE)
    without = agreement(document, MAIN, "norm identity: noise")
    if with_norm is None or without is None:
        return
    a, b = with_norm["rho_ci"], without["rho_ci"]
    if a is None or b is None:
        return
    separate = b[1] < a[0]
    verdict = (
        "the intervals do not meet: without normalisation the images matter more here"
        if separate
        else "the intervals meet: that normalisation makes the difference is not shown"
    )
    yield (
        f"Digits against noise by {MAIN}: rho {number(with_norm['rho'], a)} with normalisation, "
        f"{number(without['rho'], b)} without it; {verdict}."
    )


def _fails(document: Document) -> Iterator[str]:
    row = agreement(document, SIZE_FREE, NOISE)
    again = agreement(document, SIZE_FREE, "batch draw: 2nd")
    if row is not None and again is not None:
        yield (
            f"{SIZE_FREE}, which does not grow with the network, keeps its order with rho "
            f"{number(row['rho'], row['rho_ci'])} from digits to noise, and with "
            f"{number(again['rho'], again['rho_ci'])} from one batch of digits to another."
        )
    for score in SCORES:
        own = [row for row in rows(document, score) if _of_images(document, row)]
        compared = [row for row in own if row["difference"] is not None]
        if compared:
            yield _weakest(min(compared, key=lambda row: row["difference"]), len(compared))
        nothing = [row["condition"] for row in own if row["tau"] is None]
        if nothing:
            yield (
                f"{score} orders nothing, all values being the same or missing, with "
                f"{'; '.join(nothing)}."
            )
    stacks = agreement(document, MAIN, NOISE, stacks=True)
    if stacks is not None:
        yield (
            f"On {stacks['n']} stacks of linear layers without normalisation, {MAIN} keeps its "
            f"order from digits to noise with rho {number(stacks['rho'], stacks['rho_ci'])}, and "
            "with sizes held constant with tau "
            f"{number(stacks['beyond_size'], stacks['beyond_size_ci'])}."
        )
    yield (
        "Not shown: that noise would do for tasks other than natural images, for token models, or "
        "for a choice among data sets; a score that no image changes cannot tell those apart."
    )


def _of_images(document: Document, row: Row) -> bool:
    """Whether other images than digits are what is changed."""
    return document["settings"][row["condition"]]["factor"] in OF_IMAGES


def _weakest(row: Row, conditions: int) -> str:
    """Where a score loses most when it is shown something else."""
    low_high = row["difference_ci"]
    if low_high is None or low_high[0] <= 0 <= low_high[1]:
        verdict = "an interval that holds 0"
    else:
        verdict = "lower than the reference" if low_high[1] < 0 else "higher than the reference"
    change = number(row["difference"], low_high, sign="+")
    return (
        f"Of {conditions} conditions with other images {row['score']} has its lowest tau with "
        f"{row['condition']}: {number(row['tau'])}, {change}, {verdict} (one of many, its "
        "interval uncorrected)."
    )
