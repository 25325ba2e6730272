"""From a published file, at a URL or at hand, to tables in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from gradalign.benchmarks._cache import (
    Origin,
    cache_folder,
    read_published,
    store_tables,
    stored_record,
    table_path,
)
from gradalign.benchmarks._download import UnavailableError, check_url, discard, download, host
from gradalign.benchmarks._lock import lock
from gradalign.benchmarks._published import Published
from gradalign.benchmarks._table_file import DamagedTableError, Record, read_table_file
from gradalign.errors import InputError


class Listener(Protocol):
    """Told what goes on meanwhile."""

    def begin(self, what: str) -> None:
        """The next step, which takes its time."""

    def advance(self, done: int, total: int | None) -> None:
        """Bytes that are there, and of how many; None: not known."""

    def say(self, line: str) -> None:
        """Something worth knowing."""

    def warn(self, line: str) -> None:
        """Something that may be wrong."""


def fetch(
    published: Published,
    listener: Listener,
    *,
    urls: Sequence[str] = (),
    sha256: str | None = None,
    keep: bool = False,
) -> tuple[str, ...]:
    """Download a published file, check it, and store its tables; nothing is done twice.

    Args:
        published: What to fetch.
        listener: Told what goes on.
        urls: Where from, tried in this order; empty: where its authors publish it.
        sha256: Checksum of the file; None: the one pinned for `published`, if there is one.
        keep: Whether to leave the file itself in the cache too.

    Returns:
        Names of the tables.

    Raises:
        InputError: No URL gives the file, or what one gives is not it, or the disk is full. What
            was in the cache before still is.
    """
    urls = tuple(urls) or published.urls
    for url in urls:
        check_url(url)
    expected = published.sha256 if sha256 is None else sha256.lower()
    with _alone(published, listener):
        if stored := _stored(published, urls, expected):
            listener.say(f"{published.name} is at hand already")
            return stored
        file, origin = _obtain(published, urls, expected, listener)
        listener.begin(f"reading {published.filename}")
        try:
            tables = read_published(published, file)
        except InputError as fault:
            if expected is not None:
                raise
            _remove(file)  # nothing vouches for it
            raise InputError(f"{host(origin.place)} gives another file: {fault}") from None
        store_tables(published, tables, origin)
        if not keep:
            _remove(file)
    if expected is None:
        listener.say(f"no checksum is pinned for {published.name}: its SHA-256 is {origin.sha256}")
    return tuple(tables)


def import_file(published: Published, path: Path, listener: Listener) -> tuple[str, ...]:
    """Store the tables of a published file that is at hand, and warn if it is another one.

    Returns:
        Names of the tables.

    Raises:
        InputError: There is no such file, or it cannot be read as the published one.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{str(path)!r} {what}: give the file {published.filename}")
    found = file_sha256(path)
    if published.sha256 not in (None, found):
        listener.warn(
            f"not the published file: the SHA-256 of {str(path)!r} is {found}, that of "
            f"{published.filename} is {published.sha256}"
        )
    with _alone(published, listener):
        listener.begin(f"reading {path.name}")
        tables = read_published(published, path)
        store_tables(published, tables, Origin(place=str(path.absolute()), sha256=found))
    return tuple(tables)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in lower-case hexadecimal digits."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from None


def _alone(published: Published, listener: Listener) -> AbstractContextManager[None]:
    """Keeps other processes from the same published file."""
    return lock(
        cache_folder("downloads", published.name) / "lock",
        lambda: listener.say(f"waiting for another process that fetches {published.name}"),
    )


def _stored(
    published: Published, urls: Sequence[str], expected: str | None
) -> tuple[str, ...] | None:
    """The tables of the file that is asked for, if all are in the cache and whole."""

    def wanted(record: Record) -> bool:
        if record.published != published.name:
            return False
        return record.origin in urls if expected is None else record.sha256 == expected

    for name in published.benchmarks:
        record = stored_record(name)
        if record is None or not wanted(record):
            continue
        try:
            if all(wanted(read_table_file(table_path(each))[1]) for each in record.tables):
                return record.tables
        except (FileNotFoundError, DamagedTableError):
            continue
    return None


def _part(file: Path) -> Path:
    """The name of a download until it is whole and right; what is noted about it stays there."""
    return file.with_name(f"{file.name}.part")


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    discard(_part(file))


def _obtain(
    published: Published, urls: Sequence[str], expected: str | None, listener: Listener
) -> tuple[Path, Origin]:
    """The whole published file, from an earlier run or the first URL that gives it."""
    file = cache_folder("downloads", published.name) / published.filename
    part = _part(file)
    if file.is_file():
        if expected is not None and file_sha256(file) == expected:
            return file, Origin(place=str(file), sha256=expected)
        file.replace(part)  # the server knows whether it is still the same
    faults: list[str] = []
    for url in urls:
        if faults:
            listener.say(f"{faults[-1]}; trying {host(url)}")
        listener.begin(published.filename)
        try:
            download(url, part, listener.advance)
        except UnavailableError as fault:
            faults.append(str(fault))
            continue
        found = file_sha256(part)
        if expected in (None, found):
            part.replace(file)
            return file, Origin(place=url, sha256=found)
        discard(part)
        faults.append(f"{host(url)}: its SHA-256 is {found}, expected {expected}")
    told = "; ".join(faults) or "it has no direct URL"
    raise InputError(
        f"cannot fetch {published.name} (give another --url, or gradalign data import "
        f"{published.name} FILE): {told}"
    )
