"""The file of a store: looked at before it is opened, made, and opened.

Nothing here opens the file itself and closes it again: that would drop the locks which another
connection of this process holds on it (POSIX). SQLite knows of its own connections.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gradalign.errors import GradalignError, InputError
from gradalign.store import schema
from gradalign.store.faults import damaged, reading, writing

BUSY_SECONDS = 30.0
"""How long a process waits for another one that is writing."""

_UNTOUCHED = "mode=ro&immutable=1"
"""How to open a file without locks and without a file beside it."""


def log_of(path: Path) -> Path:
    """The write-ahead log beside a store: what was committed and is not yet in the file itself."""
    real = path.resolve()  # a link's log is beside what it leads to
    return real.with_name(f"{real.name}-wal")


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that only reads a store of this version, or a copy in memory of an older one.

    Raises:
        InputError: There is none, it is no store, of a newer version, damaged, or cannot be read.
    """
    examine(path)
    with reading(path):
        connection = _connect_to_read(path)
        try:
            if schema.version_of(connection) < len(schema.STEPS):
                return _migrated_copy(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def open_to_write(path: Path, *, create: bool) -> sqlite3.Connection:
    """A connection to a store, brought to this version.

    Args:
        path: The file.
        create: Whether to make it where there is none.

    Raises:
        InputError: It is no store, of a newer version, damaged, or cannot be written to.
        GradalignError: The disk is full, or fails.
    """
    with writing(path):
        if create and not path.exists():
            _make(path)
    examine(path)
    for place in (path, path.resolve().parent):
        if not os.access(place, os.W_OK):
            raise InputError(
                f"the store {str(path)!r} cannot be written to: {str(place)!r} is read-only, copy "
                "the store elsewhere or change the permission"
            )
    with writing(path):
        connection = _connect(path, "mode=rw")
        try:
            _prepare_to_write(path, connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare_to_write(path: Path, connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise GradalignError(
            f"the store {str(path)!r} is on a file system that several processes cannot share "
            "memory on, such as a network drive: put it on a local disk"
        )
    connection.execute("PRAGMA synchronous = NORMAL")
    if schema.version_of(connection) < len(schema.STEPS):
        schema.migrate(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the header shows the version


def examine(path: Path) -> None:
    """Look at a file, and leave it and its folder as they are.

    Raises:
        InputError: There is no file, or it is no store, of a newer version, or damaged.
    """
    with reading(path):
        _check_place(path)
        # Without its log, a file that was being written to when the process died is not sound.
        how = "mode=ro" if log_of(path).exists() else _UNTOUCHED
        with closing(_connect(path, how)) as connection:
            _check_header(path, connection)
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise damaged(path, found)


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder: name the file of a store")
    if not path.exists():
        raise InputError(f"no store {str(path)!r}: check the path, or make one with a sweep")
    if path.stat().st_size == 0:
        raise InputError(f"{str(path)!r} is empty and no store: delete it, or name another file")
    if not os.access(path, os.R_OK):
        raise InputError(f"the store {str(path)!r} cannot be read: change its permission")


def _check_header(path: Path, connection: sqlite3.Connection) -> None:
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_NOTADB:
            raise
        raise InputError(
            f"{str(path)!r} is no store, nor any SQLite file: name another file"
        ) from None
    if application != schema.APPLICATION_ID:
        raise InputError(
            f"{str(path)!r} is a SQLite file of another program, not a store: name another file"
        )
    version = schema.version_of(connection)
    if version > len(schema.STEPS):
        raise InputError(
            f"the store {str(path)!r} is of version {version}, and this gradalign knows up to "
            f"{len(schema.STEPS)}: update gradalign"
        )


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that takes part in the locking, so that others may write meanwhile.

    One that could write removes its -wal and -shm files when it closes last, but would also move
    somebody's log into the file; one that cannot leaves its files behind, but also those it found.
    """
    if log_of(path).exists():
        return _connect(path, "mode=ro")
    if os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK):
        connection = _connect(path, "mode=rw")
        connection.execute("PRAGMA query_only = ON")
        return connection
    return _connect(path, _UNTOUCHED)  # nobody can write here


def _migrated_copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None)
    with closing(connection):
        connection.backup(copy)
    schema.migrate(copy)
    return copy


def _make(path: Path) -> None:
    """Make an empty store: it is there whole, or not at all, also where two processes do."""
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"no folder {str(folder)!r} for the store {path.name!r}: make it first")
    if not os.access(folder, os.W_OK):
        raise InputError(f"the folder {str(folder)!r} is read-only: put the store elsewhere")
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        with closing(sqlite3.connect(half, isolation_level=None)) as connection:
            schema.migrate(connection)
            connection.execute("PRAGMA journal_mode = WAL")
        _name(half, path)
    finally:
        half.unlink(missing_ok=True)


def _name(half: Path, path: Path) -> None:
    """Give a whole file its name, unless there is one of that name by now."""
    try:
        os.link(half, path)
    except FileExistsError:  # another process was faster
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            half.rename(path)


def _connect(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    connection.execute("PRAGMA trusted_schema = OFF")  # the file may be anybody's
    return connection
