"""A store whose file is deleted or replaced while it is open, and how its records are saved.

The connection goes on with the file that it opened, which has no name any more: what it writes
would be gone, in silence, when it closes.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gradalign.errors import GradalignError
from gradalign.store.file import log_of

_Identity = tuple[int, int] | None
"""Device and number of a file; None where there is none."""


@dataclass(frozen=True)
class Watch:
    """Which files a store had when it was opened.

    Args:
        path: The file of the store.
        files: That file and the log beside it, each with its identity.
    """

    path: Path
    files: Mapping[Path, _Identity]

    @classmethod
    def of(cls, path: Path) -> Watch:
        """As they are now, the log being there."""
        return cls(path, {file: _identity(file) for file in (path.absolute(), log_of(path))})

    def check(self, connection: sqlite3.Connection) -> None:
        """Save everything to a new file where the store's files are no longer there.

        Raises:
            GradalignError: They are not; the message says where the records are.
        """
        for file, before in self.files.items():
            now = _identity(file)
            if now != before:
                what = "deleted" if now is None else "replaced"
                raise GradalignError(
                    f"{str(file)!r} was {what} while the store was open; {self._saved(connection)}"
                )

    def _saved(self, connection: sqlite3.Connection) -> str:
        """Where all records are now, for the message."""
        try:
            saved = save(connection, self.path)
        except (OSError, sqlite3.Error) as error:
            return (
                f"and its records cannot be saved beside it either ({error}): what this process "
                "added is lost"
            )
        return (
            f"all its records were saved to {str(saved)!r}: give it the store's name, then go on "
            "with --resume"
        )


def save(connection: sqlite3.Connection, path: Path) -> Path:
    """Everything that `connection` sees, in a new file beside `path`."""
    rescued = _new_file(path)
    try:
        with closing(sqlite3.connect(rescued)) as target:
            connection.backup(target)
    except BaseException:
        rescued.unlink()
        raise
    return rescued


def _new_file(path: Path) -> Path:
    """An empty file `NAME.rescued`, or with the next number."""
    number = 1
    while True:
        rescued = path.with_name(f"{path.name}.rescued{number if number > 1 else ''}")
        try:
            os.close(os.open(rescued, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            number += 1
        else:
            return rescued


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
