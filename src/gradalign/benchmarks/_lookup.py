"""Architectures that are named through a table, such as by the hash of a module."""

from gradalign.benchmarks._base import BENCHMARKS
from gradalign.errors import InputError
from gradalign.spaces import get_space


def look_up(space: str, name: str) -> str:
    """The spelling of the architecture that a table of `space` holds under `name`.

    Raises:
        InputError: No such table is at hand, or none holds it.
    """
    tables = [each for each in BENCHMARKS.values() if each.space == space and each.by_canonical]
    at_hand = [each for each in tables if each.at_hand]
    for table in at_hand:
        if (arch := table.spelling(name)) is not None:
            return arch
    spelled = f"or give {get_space(space).example}"
    if at_hand:
        shown = ", ".join(repr(each.name) for each in at_hand)
        raise InputError(f"{space}:{name} is not in the table {shown}, {spelled}")
    way = "".join(f"gradalign data fetch {each.published}, " for each in tables[:1])
    raise InputError(f"{space}:{name} needs a table that is not at hand: {way}{spelled}")
