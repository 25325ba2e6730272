"""A trial whose suggestions are given."""

from collections.abc import Mapping, Sequence
from typing import Any

from gradalign.errors import InputError


class GivenTrial:
    """Suggestions by name, in place of those of an Optuna trial.

    Args:
        decisions: What is suggested under each name.

    Attributes:
        asked: The names that were asked for.
    """

    def __init__(self, decisions: Mapping[str, Any]) -> None:
        self.asked: set[str] = set()
        self._decisions = decisions

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """What is given; InputError where it is none of `choices`."""
        value = self._given(name)
        if value not in choices:
            raise InputError(
                f"{name!r} is {value!r}, which is none of {', '.join(map(str, choices))}"
            )
        return value

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """What is given; InputError where it is not from `low` to `high`."""
        value: int = self._given(name)
        if not low <= value <= high:
            raise InputError(f"{name!r} is {value!r}, which is not from {low} to {high}")
        return value

    def _given(self, name: str) -> Any:
        if name not in self._decisions:
            raise InputError(f"nothing is said of {name!r}")
        self.asked.add(name)
        return self._decisions[name]
