"""One file of records that several processes can add to, and that loses nothing."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

from gradalign.errors import InputError
from gradalign.record import Scores
from gradalign.store.faults import decoding, reading, writing
from gradalign.store.file import open_to_read, open_to_write
from gradalign.store.rescue import Watch
from gradalign.store.table import read_frame, read_scores, read_statuses
from gradalign.store.writer import Writer

Network = tuple[str, int]
"""Model and seed."""

Measurement = tuple[str, str]
"""Proxy and protocol."""


class Store:
    """Records in one SQLite file, one for each model, proxy, protocol and seed.

    Made by `Store.open` or `Store.read`; closed at the end of a `with` block. The first record of
    a key with status `ok` stays for ever; a failure is replaced by any later record of its key.

    Example:
        >>> import tempfile
        >>> from gradalign.record import Score, Scores
        >>> score = Score(model="mine", proxy="params", value=3.0, seed=0, protocol="p")
        >>> with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/a.db") as store:
        ...     store.add(Scores([score], {"p": {"norm": "batch_fixed"}}))
        ...     len(store), store.recorded()
        (1, {('mine', 0): {('params', 'p'): 'ok'}})
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, writer: Writer | None = None
    ) -> None:
        self.path = path
        self._connection = connection
        self._writer = writer
        self._watch = Watch.of(path)

    @classmethod
    def open(cls, path: str | Path, *, create: bool = True) -> Self:
        """Open a store for reading and writing; one of an older version is brought to this one.

        Args:
            path: The file.
            create: Whether to make it where there is none.

        Raises:
            InputError: There is none, it is no store, of a newer version, damaged, or cannot be
                written to. Neither file nor folder was touched.
            GradalignError: The disk is full, or fails.
        """
        path = Path(path)
        connection = open_to_write(path, create=create)
        return cls(path, connection, Writer(connection))

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Open a store for reading only; its file stays as it is.

        Raises:
            InputError: There is none, it is no store, of a newer version, damaged, or cannot be
                read. Neither file nor folder was touched.
        """
        path = Path(path)
        return cls(path, open_to_read(path))

    def add(self, scores: Scores) -> None:
        """Add records, all of them or, where this raises, none; adding twice changes nothing.

        Args:
            scores: Records, and the conditions of their protocols.

        Raises:
            InputError: Conditions of a protocol are missing, or differ from those known.
            GradalignError: The disk is full; another process holds the store; the file was deleted
                or replaced meanwhile (then all records, these included, were saved beside it).
        """
        with self._transaction() as writer:
            writer.add(scores)

    def merge(self, other: str | Path) -> int:
        """Take over what another store holds, by the same rule; the other is not changed.

        Returns:
            How many records are new here, or took the place of a failure.

        Raises:
            InputError: The other is no store or damaged, or a protocol has other conditions there.
            GradalignError: As for `add`.
        """
        other = Path(other)
        with Store.read(other) as source, self._transaction() as writer:
            return writer.take(source._connection, other)

    def frame(
        self,
        *,
        protocols: Collection[str] | None = None,
        proxies: Collection[str] | None = None,
    ) -> pd.DataFrame:
        """One row a record, sorted by model, proxy, protocol and seed; columns as in `Score`.

        Args:
            protocols: Hashes of the protocols to take; None: all.
            proxies: Names of the proxies to take; None: all.

        Raises:
            InputError: The file is damaged.
        """
        with decoding(self.path):
            return read_frame(self._connection, protocols, proxies)

    @property
    def protocols(self) -> dict[str, Mapping[str, object]]:
        """The conditions behind each protocol hash."""
        with decoding(self.path):
            rows = self._connection.execute("SELECT hash, conditions FROM protocols ORDER BY id")
            return {name: json.loads(conditions) for name, conditions in rows}

    def recorded(
        self, models: Collection[str] | None = None
    ) -> dict[Network, dict[Measurement, str]]:
        """What is there: the status of each proxy and protocol, for each model and seed.

        Args:
            models: Names of the models to ask for; None: all.

        Raises:
            InputError: The file is damaged.
        """
        found: dict[Network, dict[Measurement, str]] = {}
        with decoding(self.path):
            for model, seed, *measured in read_statuses(self._connection, models):
                proxy, protocol, status = map(sys.intern, measured)
                found.setdefault((model, seed), {})[proxy, protocol] = status
        return found

    def scores(self, models: Collection[str]) -> Scores:
        """The records of these models, without the rest of the store being read.

        Raises:
            InputError: The file is damaged.
        """
        with decoding(self.path):
            return Scores(read_scores(self._connection, models), self.protocols)

    def __len__(self) -> int:
        with reading(self.path):
            return int(self._connection.execute("SELECT count(*) FROM records").fetchone()[0])

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[Writer]:
        """A writer whose work is committed at the end, or undone."""
        if self._writer is None:
            raise InputError(f"the store {str(self.path)!r} was opened to read: use Store.open")
        with writing(self.path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._connection.execute("COMMIT")
            except BaseException:
                self._writer.forget()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self._watch.check(self._connection)
