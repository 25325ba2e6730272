"""Where pages go."""

from __future__ import annotations

from pathlib import Path

from gradalign.errors import InputError


def write_page(text: str, path: Path) -> None:
    """Write the text of a page.

    Raises:
        InputError: It cannot be written there.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot write {str(path)!r}: {error.strerror or error}; choose another place"
        ) from None
