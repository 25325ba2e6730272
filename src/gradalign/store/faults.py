"""What SQLite and the system complain of, as one line with the mend."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradalign.errors import GradalignError, InputError

_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_HELD = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CLOSED_OFF = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}


def damaged(path: Path, reason: object) -> InputError:
    """The error for a file that is a store no longer."""
    line = " ".join(str(reason).split())[:120]
    return InputError(
        f"the store {str(path)!r} is damaged ({line}): restore a copy, or save what can be read "
        f"with: sqlite3 {path.name} .recover | sqlite3 mended.db"
    )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell what goes wrong while the store is read.

    Raises:
        InputError: The file is damaged, or cannot be opened.
        GradalignError: The system fails.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"the store {str(path)!r} cannot be opened: {error.strerror}") from None
    except UnicodeDecodeError as error:  # in a name of the schema that SQLite complains of
        raise damaged(path, error) from None
    except sqlite3.ProgrammingError:  # used after `close`: a bug of the caller
        raise
    except sqlite3.Error as error:
        code = _code(error)
        if code in _CLOSED_OFF:
            raise InputError(
                f"the store {str(path)!r} cannot be opened ({error}): copy it, with its -wal file, "
                "to a folder that can be written to"
            ) from None
        if code in _FULL | _HELD:
            raise GradalignError(
                f"the store {str(path)!r} cannot be read now ({error}): try again"
            ) from None
        raise damaged(path, error) from None


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Tell what goes wrong while values from the file are made into something else.

    Raises:
        InputError: The file is damaged, or cannot be opened.
        GradalignError: The system fails.
    """
    with reading(path):
        try:
            yield
        except (LookupError, OverflowError, TypeError, ValueError) as error:
            raise damaged(path, error) from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell what goes wrong while the store is written; what was committed before is kept.

    Raises:
        GradalignError: The disk is full or fails, another process holds the store too long, or
            the file is damaged or can no longer be written to.
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise damaged(path, error) from None
    except sqlite3.ProgrammingError:
        raise
    except (sqlite3.Error, OSError) as error:
        code = _code(error)
        kept = f"the store {str(path)!r} cannot be written to ({error}); what it holds is kept"
        if code in _FULL:
            raise GradalignError(f"{kept}: free space, then go on with --resume") from None
        if code in _HELD:
            raise GradalignError(
                f"{kept}: another process has been writing for long, end it or wait, then go on "
                "with --resume"
            ) from None
        if code in _CLOSED_OFF:
            raise GradalignError(
                f"{kept}: make file and folder writable, then go on with --resume"
            ) from None
        raise damaged(path, error) from None


def _code(error: Exception) -> int:
    """The primary result code of SQLite; 0 where Python's own module raised it."""
    if isinstance(error, OSError):
        return sqlite3.SQLITE_FULL if error.errno == errno.ENOSPC else sqlite3.SQLITE_CANTOPEN
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
