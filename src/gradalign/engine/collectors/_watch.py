"""Collectors that only look on at a forward pass, which all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gradalign.engine._conditions import Conditions
from gradalign.engine._observe import MakeWatch, Names, Observation
from gradalign.engine.collectors._base import COLLECTORS, Collector

_MAKERS: dict[Names, MakeWatch] = {}


def register(names: Sequence[str], cost: str, make: MakeWatch) -> None:
    """Make collectors of the statistics `names`, which one watch gives.

    Args:
        names: Of the statistics.
        cost: What they cost beside the forward pass.
        make: Makes the watch.
    """
    _MAKERS[tuple(names)] = make
    text = ", ".join(filter(None, ["a look at the forward pass", cost]))
    for name in names:
        COLLECTORS.add(name, Collector(cost=text, collect=partial(_collected, name)))


def looks_on(name: str) -> bool:
    """Whether the statistic comes from a look at the forward pass, and needs no pass of its own."""
    return any(name in names for names in _MAKERS)


def observation(conditions: Conditions) -> Observation:
    """All watches that the wanted statistics take."""
    makers = {names: make for names, make in _MAKERS.items() if conditions.needs & set(names)}
    return Observation(conditions, makers)


def _collected(name: str, conditions: Conditions) -> object:
    """One statistic; where the pass gave no view of it, with all others that are wanted."""
    if name not in conditions.found:
        observation(conditions).run()
    found = conditions.found[name]
    if isinstance(found, Exception):
        raise found
    return found
