"""A frame as a file that is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from gradalign.errors import GradalignError, InputError


def _csv(frame: pd.DataFrame, file: BinaryIO) -> None:
    frame.to_csv(file, index=False, lineterminator="\n")


def _parquet(frame: pd.DataFrame, file: BinaryIO) -> None:
    frame.to_parquet(file, index=False)


_WRITERS: dict[str, Callable[[pd.DataFrame, BinaryIO], None]] = {
    ".csv": _csv,
    ".parquet": _parquet,
}


def export(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV or Parquet, in the place of a file of that name.

    Args:
        frame: What to write; its index is left out.
        path: Ends in .csv or .parquet.

    Raises:
        InputError: Another ending, no such folder, or no permission.
        GradalignError: The disk is full, or fails; what stood under the name before still does.
    """
    path = Path(path)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise InputError(f"{str(path)!r} ends in neither .csv nor .parquet: choose one of them")
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        try:
            with half.open("wb") as file:
                write(frame, file)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise InputError(
            f"cannot write {str(path)!r}: {error.strerror}; choose another place"
        ) from None
    except OSError as error:
        raise GradalignError(
            f"cannot write {str(path)!r}: {error.strerror or error}; free space, then try again"
        ) from None
