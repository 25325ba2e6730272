"""Numbers with a unit, as people write them."""

from __future__ import annotations

import re

from gradalign.errors import InputError

_COUNTS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

_NUMBER = re.compile(r"\s*(?P<number>[0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(?P<unit>[a-z]*)\s*", re.I)


def parse_count(text: str) -> float:
    """The number that `800000`, `0.8M` or `2G` stands for; K is 1000.

    Example:
        >>> parse_count("0.8M")
        800000.0
    """
    return _parsed(text, _COUNTS, "number", "800000, 0.8M or 2G")


def parse_seconds(text: str) -> float:
    """The seconds that `5ms`, `30s`, `10m`, `2h` or a plain number stand for.

    Example:
        >>> parse_seconds("5ms"), parse_seconds("1.5h")
        (0.005, 5400.0)
    """
    return _parsed(text, _SECONDS, "length of time", "5ms, 30s, 10m or 2h")


def _parsed(text: str, units: dict[str, float], what: str, right: str) -> float:
    found = _NUMBER.fullmatch(text)
    unit = None if found is None else units.get(found["unit"].lower())
    if found is None or unit is None:
        raise InputError(f"{what} {text!r}: write it as {right}")
    return float(found["number"]) * unit
