"""How finalists are trained, and how a user says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gradalign.errors import InputError
from gradalign.training import Recipe

RECIPE = Recipe(epochs=8, batch_size=32, learning_rate=0.025)
"""How finalists are trained unless told."""

_FIELDS: dict[str, type[int] | type[float]] = {
    "epochs": int,
    "batch_size": int,
    "learning_rate": float,
    "momentum": float,
    "weight_decay": float,
}
_SHORT = {"batch": "batch_size", "lr": "learning_rate", "decay": "weight_decay"}


def parse_recipe(text: str) -> Recipe:
    """The recipe that `epochs=12,lr=0.05,batch=64` says; what it leaves out is that of `RECIPE`.

    Args:
        text: Fields of `Recipe`, or `lr`, `batch` and `decay`, each with its number.

    Raises:
        InputError: Anything else, a field twice, or a number that is no training.

    Example:
        >>> str(parse_recipe("epochs=12,lr=0.1")).partition(",")[0]
        '12 epochs of SGD'
    """
    given: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        field = _SHORT.get(name, name)
        if not equals or field not in _FIELDS:
            raise InputError(
                f"{part!r} in {text!r} says nothing about a training: write it as "
                "epochs=12,lr=0.05,batch=64,momentum=0.9,decay=0.0005"
            )
        if field in given:
            raise InputError(f"{text!r} names {name} twice")
        try:
            given[field] = _FIELDS[field](number)
        except ValueError:
            kind = "a whole number" if _FIELDS[field] is int else "a number"
            raise InputError(f"{name}={number!r} in {text!r}: {kind} is needed") from None
    return replace(RECIPE, **given)
