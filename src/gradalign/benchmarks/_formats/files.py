"""Opening a user's file, and saying in one line what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gradalign.errors import InputError

LARGEST_IN_MEMORY = 1 << 30
"""Bytes of a file, or of one member of an archive, that is read as a whole."""


def damaged(path: Path, fault: str) -> InputError:
    """The error for a file that is broken, or not what it should be.

    Args:
        path: The file.
        fault: What follows its name: `is cut off in record 7`.
    """
    return InputError(f"{str(path)!r} {fault}: get it from its source again")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading in large pieces.

    Raises:
        InputError: There is no such file, or it cannot be read.
    """
    try:
        with path.open("rb", buffering=1 << 20) as file:
            yield file
    except FileNotFoundError:
        raise InputError(f"no file {str(path)!r}: give the path of a file") from None
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from None


def read_whole(path: Path) -> bytes:
    """The content of a file of moderate size.

    Raises:
        InputError: It cannot be read, or has more than `LARGEST_IN_MEMORY` bytes.
    """
    with opened(path) as file:
        content = file.read(LARGEST_IN_MEMORY + 1)
    if len(content) > LARGEST_IN_MEMORY:
        raise InputError(
            f"{str(path)!r} has more than {LARGEST_IN_MEMORY:,} bytes, more than any table of "
            "this kind: give the published file"
        )
    return content
