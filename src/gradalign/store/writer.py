"""How records get into the file: the writing rule, and texts as numbers.

The first record of a key with status `ok` stays for ever. One that is a failure is replaced by any
later one of its key, so that a retry mends it and a failure never takes the place of a value.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gradalign.errors import InputError
from gradalign.record import Score, Scores
from gradalign.store.faults import decoding
from gradalign.store.schema import OK
from gradalign.store.table import CHUNK

_KEY = ("model", "seed", "protocol", "proxy")
_REST = (
    "value",
    "stderr",
    "status",
    "reason",
    "seconds",
    "device",
    "pass_seconds",
    "peak_bytes",
    "backend",
    "canonical",
)
_COLUMNS = (*_KEY, *_REST)
_TEXTS = frozenset({"model", "proxy", "status", "reason", "device", "backend", "canonical"})


def _each(form: str, columns: Iterable[str]) -> str:
    return ", ".join(form.format(name) for name in columns)


_WRITE = f"""
INSERT INTO records ({_each("{}", _COLUMNS)}) VALUES ({_each("?", _COLUMNS)})
ON CONFLICT ({_each("{}", _KEY)}) DO UPDATE SET {_each("{0} = excluded.{0}", _REST)}
WHERE records.status <> {OK}
AND ({_each("records.{}", _REST)}) IS NOT ({_each("excluded.{}", _REST)})
"""

_MOST = 2**63 - 1
"""The largest integer that SQLite holds."""

_MOST_TEXTS = 20_000
"""Texts whose ids are kept at hand between two additions."""

_Row = tuple[object, ...]


class Writer:
    """Adds records within a transaction of the caller's.

    Args:
        connection: To the store.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._texts: dict[str, int] = {}
        self._protocols: dict[str, int] = {}

    def forget(self) -> None:
        """Forget the ids that a transaction gave which did not come to be."""
        self._texts.clear()
        self._protocols.clear()

    def add(self, scores: Scores) -> None:
        """Add records.

        Raises:
            InputError: Conditions that differ from those known, or are not given; a seed or a
                number of bytes that does not fit into 64 bits.
        """
        if len(self._texts) > _MOST_TEXTS:  # names of networks that will not come again
            self._texts.clear()
        for name, conditions in scores.protocols.items():
            self._protocol(name, json.dumps(conditions, default=list))
        self._connection.executemany(_WRITE, [self._row(record) for record in scores.records])

    def take(self, source: sqlite3.Connection, path: Path) -> int:
        """Add what another store holds; the number of records that are new here.

        Raises:
            InputError: Conditions that differ from those known; the other file is damaged.
        """
        with decoding(path):
            hashes = source.execute("SELECT id, hash, conditions FROM protocols").fetchall()
            words = source.execute("SELECT id, text FROM texts").fetchall()
        protocols = {own: self._protocol(name, text, path) for own, name, text in hashes}
        texts: dict[int | None, int | None] = {own: self._text(text) for own, text in words}
        texts[None] = None
        before = self._connection.total_changes
        for rows in _chunks(source, path, {"protocol": protocols} | dict.fromkeys(_TEXTS, texts)):
            self._connection.executemany(_WRITE, rows)
        return self._connection.total_changes - before

    def _row(self, record: Score) -> _Row:
        if record.protocol not in self._protocols:
            raise InputError(
                f"the conditions of protocol {record.protocol!r} are not given: pass them with "
                "its records"
            )
        return (
            self._text(record.model),
            _integer("seed", record.seed),
            self._protocols[record.protocol],
            self._text(record.proxy),
            _real(record.value),
            _real(record.stderr),
            self._text(record.status),
            self._text_or_none(record.reason),
            _real(record.seconds),
            self._text(record.device),
            _real(record.pass_seconds),
            None if record.peak_bytes is None else _integer("peak_bytes", record.peak_bytes),
            self._text_or_none(record.backend),
            self._text_or_none(record.canonical),
        )

    def _text_or_none(self, text: str | None) -> int | None:
        return None if text is None else self._text(text)

    def _text(self, text: str) -> int:
        """The id of a text; half of a surrogate pair, which no file can hold, is spelled out."""
        found = self._texts.get(text)
        if found is None:
            value = text.encode("utf-8", "backslashreplace").decode()
            self._connection.execute("INSERT OR IGNORE INTO texts (text) VALUES (?)", (value,))
            query = "SELECT id FROM texts WHERE text = ?"
            found = self._texts[text] = int(self._connection.execute(query, (value,)).fetchone()[0])
        return found

    def _protocol(self, name: str, conditions: str, origin: Path | None = None) -> int:
        """The id of a protocol, whose conditions must be those known if it is."""
        self._connection.execute(
            "INSERT OR IGNORE INTO protocols (hash, conditions) VALUES (?, ?)", (name, conditions)
        )
        query = "SELECT id, conditions FROM protocols WHERE hash = ?"
        found, known = self._connection.execute(query, (name,)).fetchone()
        if known != conditions and _sorted(known) != _sorted(conditions):
            new = "given now" if origin is None else f"in {str(origin)!r}"
            raise InputError(
                f"the conditions of protocol {name!r} in the store and those {new} differ: use "
                "another store"
            )
        self._protocols[name] = int(found)
        return int(found)


def _chunks(
    source: sqlite3.Connection, path: Path, ids: Mapping[str, Mapping[int | None, int | None]]
) -> Iterator[list[_Row]]:
    """The rows of another store, with the ids of this one."""
    maps = [ids.get(name) for name in _COLUMNS]
    with decoding(path):
        cursor = source.execute(f"SELECT {_each('{}', _COLUMNS)} FROM records")
        while rows := cursor.fetchmany(CHUNK):
            yield [
                tuple(
                    value if known is None else known[value]
                    for value, known in zip(row, maps, strict=True)
                )
                for row in rows
            ]


def _sorted(conditions: str) -> str:
    return json.dumps(json.loads(conditions), sort_keys=True)


def _real(number: float | None) -> float | None:
    return None if number is None else float(number)


def _integer(name: str, number: int) -> int:
    if not -_MOST - 1 <= number <= _MOST:
        raise InputError(f"{name} {number} does not fit into 64 bits: choose a smaller one")
    return int(number)
