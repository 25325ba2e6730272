"""Architectures spelled as tuples of digits, such as (0, 3, 3, 3, 3, 2)."""

from collections.abc import Iterable

from gradalign.errors import InputError
from gradalign.spaces._base import quoted


def read_digits(text: str) -> tuple[int, ...]:
    """The digits between the brackets; spaces around them do not matter.

    Raises:
        InputError: No brackets, or something between the commas that is not one digit.

    Example:
        >>> read_digits("(2, 3,1, 1)")
        (2, 3, 1, 1)
    """
    inner = text.strip()
    if not (inner.startswith("(") and inner.endswith(")")):
        raise InputError("it must begin with '(' and end with ')'")
    parts = [part.strip() for part in inner[1:-1].split(",")]
    for part in parts:
        if len(part) != 1 or part not in "0123456789":
            raise InputError(f"{quoted(part)} between the commas is not one digit")
    return tuple(map(int, parts))


def spell_digits(digits: Iterable[int]) -> str:
    """The digits as Python and the published files write a tuple.

    Example:
        >>> spell_digits((2, 3, 1, 1))
        '(2, 3, 1, 1)'
    """
    return f"({', '.join(map(str, digits))})"
