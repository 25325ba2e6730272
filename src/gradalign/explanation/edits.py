"""Changes of a network, named as people would: another operation, width, normalisation.

Each gives a candidate that is measured like the network itself; `gradalign.explanation.paired` says
what the change does to the scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from torch import nn

from gradalign.batch import Batch
from gradalign.candidate import Candidate, seeded
from gradalign.engine import collect
from gradalign.errors import InputError
from gradalign.explanation._normalisation import Exchange, exchanges
from gradalign.models import (
    find_function,
    importable,
    resolve,
    split_decisions,
    with_decisions,
)
from gradalign.probe import Probe
from gradalign.spaces import SPACES, Space

EDITS = 24
"""Changes that are measured unless told."""

MOST_NAMED = 3
"""Decisions that a name of a change holds; of more it says how many."""

ABSENT = "absent"
"""Value of a decision that one of two architectures does not have."""

T = TypeVar("T")

TRIED_ON = 2
"""Samples on which it is tried whether a changed network runs."""


@dataclass(frozen=True)
class Edit:
    """One change of a network.

    Args:
        name: What becomes of what, such as `channels: 16 -> 32`.
        candidate: The network after it.
        decision: What is changed, which several changes share.
    """

    name: str
    candidate: Candidate
    decision: str


def edits_of(
    candidate: Candidate, batch: Batch, *, build: Mapping[str, str | int] | None = None
) -> list[Edit]:
    """Every change that is known of a network, always in one order.

    Of an architecture of a search space: its neighbours, but those whose network is the same, and
    the options of `build`, doubled and halved. Of a function of a trial with its decisions: each
    decision, other choices or near numbers. Of any network: other normalisation, in a copy where
    the network was passed. Options and normalisation only where the network still runs.

    Args:
        candidate: The network.
        batch: Samples that it takes; two of them are run.
        build: The options of its space that it is built with, and `task`.

    Raises:
        InputError: The network cannot be built.
    """
    network = candidate.build(0)
    found: list[Edit] = []
    if candidate.space is not None:
        space = SPACES[candidate.space]
        found += _neighbours(space, candidate, build or {})
        found += _options(space, candidate, build or {}, batch)
    else:
        found += _decisions(candidate)
    for exchange in exchanges(network):
        edit = _exchanged(candidate, exchange)
        if _runs(edit.candidate, batch):
            found.append(edit)
    return found


def drawn(edits: Sequence[Edit], limit: int = EDITS) -> list[Edit]:
    """At most `limit` of the changes, in their order: as many of each decision as can be.

    What cannot be even is spread: further changes go to decisions at equal distances, first and
    last included, and the changes of one decision are taken at equal distances too.

    Raises:
        InputError: A negative limit.
    """
    if limit < 0:
        raise InputError(f"{limit} edits: give 0 or more")
    places: dict[str, list[int]] = {}
    for place, edit in enumerate(edits):
        places.setdefault(edit.decision, []).append(place)
    quota = dict.fromkeys(places, 0)
    left = min(limit, len(edits))
    while left:
        open_ones = [decision for decision in places if quota[decision] < len(places[decision])]
        for decision in _spread(open_ones, left):
            quota[decision] += 1
            left -= 1
    kept = [place for name, own in places.items() for place in _spread(own, quota[name])]
    return [edits[place] for place in sorted(kept)]


def _spread(values: Sequence[T], count: int) -> list[T]:
    """At most `count` of some values at equal distances, the first and the last included."""
    if count >= len(values):
        return list(values)
    steps = max(count - 1, 1)
    return [values[round(number * (len(values) - 1) / steps)] for number in range(count)]


def _neighbours(
    space: Space[Any], candidate: Candidate, build: Mapping[str, str | int]
) -> Iterator[Edit]:
    """The neighbours in the space that are other networks."""
    arch = space.parse(str(candidate.arch))
    own, key = _decided(space, arch), space.network_key(arch)
    for other in space.neighbours(arch):
        if space.network_key(other) == key:
            continue
        spelled = space.format(other)
        decided = _decided(space, other)
        changes = [] if own is None or decided is None else changed(own, decided)
        yield Edit(
            named(changes) if changes else f"architecture -> {spelled}",
            _rebuilt(candidate, f"{space.name}:{spelled}", build),
            changes[0][0] if changes else "architecture",
        )


def _decided(space: Space[Any], arch: Any) -> dict[str, Any] | None:
    """The decisions that make an architecture; None where no suggestions do."""
    try:
        return space.decisions(arch)
    except InputError:
        return None


def _options(
    space: Space[Any], candidate: Candidate, build: Mapping[str, str | int], batch: Batch
) -> Iterator[Edit]:
    """The options of `build`, doubled and halved, where the network then runs."""
    text = f"{space.name}:{candidate.arch}"
    own = space.chosen({name: value for name, value in build.items() if name != "task"})
    for name, value in own.items():
        for other in (value * 2, value // 2):
            if other < 1:
                continue
            changed_one = _rebuilt(candidate, text, {**build, name: other})
            changed_one = replace(changed_one, name=f"{candidate.name} with {name}={other}")
            if _runs(changed_one, batch):
                yield Edit(f"{name}: {value} -> {other}", changed_one, name)


def _rebuilt(candidate: Candidate, text: str, build: Mapping[str, str | int]) -> Candidate:
    """Another network of the space, for the same inputs and outputs."""
    spec = candidate.spec
    return resolve(text, build=build, num_classes=spec.num_classes, input_size=spec.shape)


def _decisions(candidate: Candidate) -> Iterator[Edit]:
    """Other decisions of a function of a trial, where that is what makes the network."""
    try:
        parts = split_decisions(candidate.name)
        if parts is None:
            return
        function = find_function(parts[0])
    except InputError:  # a name that was given to something else
        return
    from gradalign.decisions.asked import asked  # here: it imports Optuna
    from gradalign.decisions.distributions import near

    name, decisions = parts
    with importable(name.rpartition(":")[0]), seeded(0):
        own = asked(function, decisions)
        for decision, distribution in own.distributions.items():
            for value in near(distribution, own.decisions[decision]):
                other = asked(function, {**own.decisions, decision: value}).decisions
                made = resolve(with_decisions(name, other))
                yield Edit(
                    named(changed(own.decisions, other)),
                    replace(made, spec=candidate.spec),
                    decision,
                )


def _exchanged(candidate: Candidate, exchange: Exchange) -> Edit:
    """The network with other normalisation layers."""
    made = replace(
        candidate,
        name=f"{candidate.name} with {exchange.name}",
        make=lambda seed: exchange(candidate.build(seed)),
        space=None,
        arch=None,
        canonical=None,
    )
    return Edit(f"normalisation: {exchange.name}", made, "normalisation")


def _runs(candidate: Candidate, batch: Batch) -> bool:
    """Whether the network can be built, and gives outputs for two samples."""
    try:
        network: nn.Module = candidate.build(0)
        home = next((each.device for each in network.parameters()), None)
        few = batch[:TRIED_ON]
        collect(network, few if home is None else few.to(home), Probe(), ["logits"])
    except Exception:  # noqa: BLE001 - whatever it raises, it does not run
        return False
    return True


def changed(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Names of the decisions that differ, with both values; first those that both have."""
    names: Iterable[str] = dict.fromkeys([*own, *other])
    found = [
        (name, _said(own, name), _said(other, name))
        for name in names
        if (name in own) != (name in other) or own.get(name) != other.get(name)
    ]
    return sorted(found, key=lambda change: ABSENT in change[1:])


def named(changes: Sequence[tuple[str, str, str]]) -> str:
    """The name of a change of some decisions.

    Example:
        >>> named([("3<-0", "none", "skip_connect")])
        '3<-0: none -> skip_connect'
    """
    texts = [f"{name}: {old} -> {new}" for name, old, new in changes[:MOST_NAMED]]
    more = len(changes) - MOST_NAMED
    return ", ".join(texts) + (f" and {more} more" if more > 0 else "")


def _said(decisions: Mapping[str, Any], name: str) -> str:
    if name not in decisions:
        return ABSENT
    value = decisions[name]
    return f"{value:.6g}" if isinstance(value, float) else str(value)
