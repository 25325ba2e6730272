"""Which networks a sweep has met, kept on disk: there may be more than fit into memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from gradalign.errors import GradalignError


class Met:
    """The first model of each network, and whether a model came before.

    In a temporary file of SQLite's, which ends with the program; small ones stay in memory.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "CREATE TABLE firsts (network BLOB PRIMARY KEY, model BLOB NOT NULL) WITHOUT ROWID",
            "CREATE TABLE others (model BLOB PRIMARY KEY) WITHOUT ROWID",
            "BEGIN",  # and never committed: nothing of it is to last
        ):
            self._connection.execute(statement)

    def first(self, network: str, model: str) -> str | None:
        """The first model that was met of a network; None: this one is the first, now kept.

        Raises:
            GradalignError: There is no space for temporary files.
        """
        digest = _digest(network)
        with _telling():
            insert = "INSERT OR IGNORE INTO firsts VALUES (?, ?)"
            if self._connection.execute(insert, (digest, model.encode(*_CODEC))).rowcount:
                return None
            query = "SELECT model FROM firsts WHERE network = ?"
            (found,) = self._connection.execute(query, (digest,)).fetchone()
        return str(found, *_CODEC)

    def is_new(self, model: str) -> bool:
        """Whether a model that is not the first of its network comes for the first time.

        Raises:
            GradalignError: There is no space for temporary files.
        """
        with _telling():
            insert = "INSERT OR IGNORE INTO others VALUES (?)"
            return bool(self._connection.execute(insert, (_digest(model),)).rowcount)

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()


_CODEC = ("utf-8", "surrogatepass")  # a name may hold half of a surrogate pair


def _digest(text: str) -> bytes:
    return blake2b(text.encode(*_CODEC), digest_size=16).digest()


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise GradalignError(
            f"the list of the networks met cannot be kept in a temporary file ({error}): free "
            "space there, or name another folder in SQLITE_TMPDIR, then go on with --resume"
        ) from None
