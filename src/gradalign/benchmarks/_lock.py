"""A lock between processes that ends with the process that holds it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gradalign.errors import InputError

POLL = 0.1
"""Seconds between two looks at a lock that another process holds."""

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path`, which is left behind: to delete it would let two others in.

    Args:
        path: The file, in a folder that exists.
        waiting: Called once if another process holds it.

    Raises:
        InputError: The file system has no locks, or the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _take(descriptor):
                waiting()
                while not _take(descriptor):
                    time.sleep(POLL)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise InputError(
            f"cannot lock {str(path)!r}: {error.strerror}; let GRADALIGN_CACHE name another folder"
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)
