"""The records of a store: all of them as a frame, or those of some models."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gradalign.record import Score, Scores

CHUNK = 2_000
"""Rows that are held as Python objects at a time: as many as a processor's cache holds."""

_TEXT, _INTEGER, _REAL, _ANY = map(np.dtype, ("i4", "i8", "f8", "O"))
_KINDS: dict[str, np.dtype[Any]] = {
    "model": _TEXT,
    "proxy": _TEXT,
    "value": _REAL,
    "stderr": _REAL,
    "status": _TEXT,
    "reason": _TEXT,
    "seconds": _REAL,
    "seed": _INTEGER,
    "protocol": _TEXT,
    "device": _TEXT,
    "pass_seconds": _REAL,
    "peak_bytes": _ANY,
    "backend": _TEXT,
    "canonical": _TEXT,
}
"""Of each column of `records`; a text is the id of one, 0 where there is none."""

Names = Sequence[str | None]
"""Texts by id, None first."""


_OF_MODELS = "model IN (SELECT value FROM json_each(?))"
"""Any number of models in one parameter."""


def read_statuses(
    connection: sqlite3.Connection, models: Collection[str] | None
) -> Iterator[tuple[str, int, str, str, str]]:
    """Model, seed, proxy, protocol and status of each record, of these models or of all."""
    query = "SELECT model, seed, proxy, protocol, status FROM scores"
    if models is None:
        yield from connection.execute(query)
    else:
        yield from connection.execute(f"{query} WHERE {_OF_MODELS}", [json.dumps(list(models))])


def read_scores(connection: sqlite3.Connection, models: Collection[str]) -> list[Score]:
    """The records of these models.

    Raises:
        TypeError, ValueError: The file is not as it was written.
    """
    names = [field.name for field in fields(Score)]
    rows = connection.execute(
        f"SELECT {', '.join(names)} FROM scores WHERE {_OF_MODELS}", [json.dumps(list(models))]
    )
    return [Score(**dict(zip(names, row, strict=True))) for row in rows]


def read_frame(
    connection: sqlite3.Connection,
    protocols: Collection[str] | None,
    proxies: Collection[str] | None,
) -> pd.DataFrame:
    """One row a record, sorted by model, proxy, protocol and seed.

    Args:
        connection: To the store.
        protocols: Hashes of those to take; None: all.
        proxies: Names of those to take; None: all.

    Raises:
        ValueError, TypeError, IndexError, OverflowError: The file is not as it was written.
    """
    columns = _read_columns(connection, protocols, proxies)
    if not columns:
        return Scores((), {}).to_frame()
    texts = _names(connection, "SELECT id, text FROM texts ORDER BY id")
    hashes = _names(connection, "SELECT id, hash FROM protocols ORDER BY id")
    order = np.lexsort(
        (
            columns["seed"],
            _ranks(hashes)[columns["protocol"]],
            _ranks(texts)[columns["proxy"]],
            _ranks(texts)[columns["model"]],
        )
    )
    frame = {}
    for field in fields(Score):
        own = columns.pop(field.name)[order]  # one after the other: a frame can be large
        if own.dtype == _TEXT:
            frame[field.name] = _spelled(own, hashes if field.name == "protocol" else texts)
        else:
            frame[field.name] = pd.Series(own.tolist() if own.dtype == _ANY else own)
    return pd.DataFrame(frame)


def _read_columns(
    connection: sqlite3.Connection,
    protocols: Collection[str] | None,
    proxies: Collection[str] | None,
) -> dict[str, npt.NDArray[np.generic]]:
    """The columns of `records`; none where there is no record."""
    selected = (f"ifnull({name}, 0)" if kind == _TEXT else name for name, kind in _KINDS.items())
    conditions = ["TRUE"]
    values: list[str] = []
    for column, table, name, chosen in (
        ("protocol", "protocols", "hash", protocols),
        ("proxy", "texts", "text", proxies),
    ):
        if chosen is not None:
            places = ",".join("?" * len(chosen))
            conditions.append(f"{column} IN (SELECT id FROM {table} WHERE {name} IN ({places}))")
            values += chosen
    rows = connection.execute(
        f"SELECT {', '.join(selected)} FROM records WHERE {' AND '.join(conditions)}", values
    )
    parts = []
    while chunk := rows.fetchmany(CHUNK):
        parts.append(
            [
                np.array(column, dtype=kind)
                for column, kind in zip(zip(*chunk, strict=True), _KINDS.values(), strict=True)
            ]
        )
    joined = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    return dict(zip(_KINDS, joined, strict=False))


def _names(connection: sqlite3.Connection, query: str) -> Names:
    rows = connection.execute(query).fetchall()
    if any(place != own for place, (own, _) in enumerate(rows, start=1)):
        raise ValueError("a text is missing")
    return [None, *(text for _, text in rows)]


def _ranks(names: Names) -> npt.NDArray[np.int64]:
    """The place of each name in alphabetical order; None comes first."""
    order = sorted(range(1, len(names)), key=lambda place: names[place] or "")
    ranks = np.zeros(len(names), dtype=np.int64)
    ranks[order] = np.arange(1, len(names))
    return ranks


def _spelled(ids: npt.NDArray[np.generic], names: Names) -> pd.Series[str]:
    """The texts behind `ids`, as pandas holds texts and None among them."""
    used, places = np.unique(ids, return_inverse=True)
    if used[0] < 0 or used[-1] >= len(names):
        raise IndexError("a text is missing")
    return pd.Series(pd.Series([names[k] for k in used]).array.take(places))
