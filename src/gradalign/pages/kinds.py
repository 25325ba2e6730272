"""What a score stands among in tables and charts."""

from __future__ import annotations

from gradalign.aggregates import AGGREGATES
from gradalign.proxies import PROXIES
from gradalign.proxies._base import Direction


def kind_of(name: str, *, trained: bool = False) -> str:
    """The kind of a score: a key of `gradalign.comparison.table.GROUPS`.

    Args:
        name: Name of a score, or of a row of short training.
        trained: Whether it is the latter.
    """
    if trained:
        return "training"
    if name in PROXIES:
        return PROXIES[name].kind
    return "aggregate" if name in AGGREGATES else "other"


def is_size(name: str) -> bool:
    """Whether a score is a plain size."""
    return kind_of(name) == "size"


def is_reference(name: str, *, trained: bool = False) -> bool:
    """Whether a score is there for others to be compared with."""
    return kind_of(name, trained=trained) in {"size", "ablation", "training"}


def better_of(name: str) -> Direction:
    """The direction of a score; `higher` for an aggregate and for what is not registered."""
    return PROXIES[name].better if name in PROXIES else "higher"


def unit_of(name: str) -> str:
    """The unit of a score, empty where it has none."""
    return PROXIES[name].unit if name in PROXIES else ""
