"""What stands in the file of a store, and the steps from one version of it to the next."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x67416C6E
"""Bytes 68 to 71 of the file, big-endian: `gAln`."""

OK = 1
"""Id of the text `ok` in every store."""

_FIRST = (
    "CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    f"INSERT INTO texts VALUES ({OK}, 'ok')",
    """CREATE TABLE protocols (
        id INTEGER PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE,
        conditions TEXT NOT NULL -- JSON
    )""",
    # Numbers have no declared type: a REAL column would forget the sign of -0.0.
    """CREATE TABLE records (
        model INTEGER NOT NULL REFERENCES texts,
        seed INTEGER NOT NULL,
        protocol INTEGER NOT NULL REFERENCES protocols,
        proxy INTEGER NOT NULL REFERENCES texts,
        value,
        stderr,
        status INTEGER NOT NULL REFERENCES texts,
        reason INTEGER REFERENCES texts,
        seconds,
        device INTEGER NOT NULL REFERENCES texts,
        pass_seconds,
        peak_bytes INTEGER,
        backend INTEGER REFERENCES texts,
        canonical INTEGER REFERENCES texts,
        PRIMARY KEY (model, seed, protocol, proxy)
    ) WITHOUT ROWID""",
    """CREATE VIEW scores AS SELECT
        models.text AS model,
        proxies.text AS proxy,
        value,
        stderr,
        statuses.text AS status,
        reasons.text AS reason,
        seconds,
        seed,
        protocols.hash AS protocol,
        devices.text AS device,
        pass_seconds,
        peak_bytes,
        backends.text AS backend,
        canonicals.text AS canonical
    FROM records
    JOIN texts AS models ON models.id = records.model
    JOIN texts AS proxies ON proxies.id = records.proxy
    JOIN protocols ON protocols.id = records.protocol
    JOIN texts AS statuses ON statuses.id = records.status
    JOIN texts AS devices ON devices.id = records.device
    LEFT JOIN texts AS reasons ON reasons.id = records.reason
    LEFT JOIN texts AS backends ON backends.id = records.backend
    LEFT JOIN texts AS canonicals ON canonicals.id = records.canonical""",
)

STEPS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""Version n of the file is what the first n steps make; a step is never changed, one is added."""


def version_of(connection: sqlite3.Connection) -> int:
    """How many steps the file has behind it."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Take the steps that are missing, all or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in STEPS[version_of(connection) :]:  # another process may just have done it
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
