"""JSON of published tables: bounded, and with an error that names the file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from gradalign.benchmarks._formats.files import damaged


def parse_json(content: bytes, path: Path) -> Any:
    """The document; NaN and the infinities are admitted, as Python writes them.

    Args:
        content: UTF-8.
        path: The file, or archive and member, for messages.

    Raises:
        InputError: No JSON, or nested deeper than any table.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise damaged(path, "is JSON that is nested without end") from None
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, a number of 5,000 digits
        reason = (str(error).splitlines() or ["broken"])[0][:120]
        raise damaged(path, f"is no JSON ({reason})") from None


def number(record: object, key: str, where: str, path: Path) -> float:
    """The finite number at `key` of a JSON object.

    Args:
        record: What should be an object.
        key: The key.
        where: Which record, for messages.
        path: The file.

    Raises:
        InputError: No object, no such key, or no finite number there.
    """
    value = record.get(key) if isinstance(record, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise damaged(path, f"has no number {key!r} in {where[:120]}")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise damaged(path, f"has no finite {key!r} in {where[:120]}")
    return found
