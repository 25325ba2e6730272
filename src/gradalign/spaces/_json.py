"""Architectures that are spelled as a JSON object."""

import json
from collections.abc import Collection
from typing import Any

from gradalign.errors import InputError


def read_object(text: str, keys: Collection[str]) -> dict[str, Any]:
    """The JSON object with exactly these keys that `text` spells.

    Raises:
        InputError: What is wrong in it, without the text.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("it is no JSON") from None
    if not isinstance(found, dict) or set(found) != set(keys):
        raise InputError(f"it must be an object with the keys {', '.join(keys)} and no others")
    return found
