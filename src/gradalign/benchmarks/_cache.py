"""The user's cache: tables read from published files, at hand for every later run."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from gradalign.benchmarks._published import PUBLISHED, Published
from gradalign.benchmarks._table_file import (
    DamagedTableError,
    Record,
    read_record,
    read_table_file,
    write_table_file,
)
from gradalign.errors import InputError, UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a published file came from.

    Args:
        place: Its URL or path.
        sha256: Its checksum.
    """

    place: str
    sha256: str


def cache_dir() -> Path:
    """`$GRADALIGN_CACHE`, else `$XDG_CACHE_HOME/gradalign`, else `~/.cache/gradalign`."""
    if own := os.environ.get("GRADALIGN_CACHE"):
        return Path(own).expanduser().absolute()
    # the XDG specification has relative paths ignored
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".cache") / "gradalign"


def cache_folder(*parts: str) -> Path:
    """A folder of the cache, made where it is missing.

    Raises:
        InputError: It cannot be made.
    """
    folder = cache_dir().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the cache folder {str(folder)!r}: {error.strerror}; "
            "let GRADALIGN_CACHE name another"
        ) from None
    return folder


def table_path(name: str) -> Path:
    """Where the table of the benchmark `name` stands, or would stand."""
    return cache_dir() / "tables" / f"{name}.parquet"


def publisher(name: str) -> Published:
    """The published file that the table `name` is read from.

    Raises:
        UnknownNameError: No published file gives such a table.
    """
    for published in PUBLISHED.values():
        if name in published.benchmarks:
            return published
    known = sorted({name for published in PUBLISHED.values() for name in published.benchmarks})
    raise UnknownNameError(
        f"no published file gives a table {name!r}: there are {', '.join(known)}"
    )


def at_hand(name: str) -> bool:
    """Whether the table of the benchmark `name` is in the cache, be it damaged."""
    return table_path(name).is_file()


def stored_record(name: str) -> Record | None:
    """Where the stored table `name` is from, its values unread; None: not there, or damaged."""
    try:
        return read_record(table_path(name))
    except (FileNotFoundError, DamagedTableError):
        return None


def table_rows(name: str) -> int | None:
    """Number of architectures in the stored table `name`; None: not there, or damaged."""
    record = stored_record(name)
    return None if record is None else record.rows


def load_table(name: str) -> pd.DataFrame:
    """The stored table of the benchmark `name`: a column `arch`, and numbers.

    Raises:
        InputError: It is not there, or damaged.
    """
    published = publisher(name)
    mend = (
        f"gradalign data fetch {published.name} (about {published.megabytes:,.4g} MB), "
        f"or gradalign data import {published.name} FILE"
    )
    try:
        frame, _ = read_table_file(table_path(name))
    except FileNotFoundError:
        raise InputError(f"the table {name!r} is not at hand: {mend}") from None
    except DamagedTableError as fault:
        raise InputError(f"the table {name!r} in the cache is damaged ({fault}): {mend}") from None
    except OSError as error:
        raise InputError(f"cannot read {str(table_path(name))!r}: {error.strerror}") from None
    return frame


def store_tables(
    published: Published, tables: Mapping[str, pd.DataFrame], origin: Origin
) -> dict[str, Path]:
    """Put tables read from a published file into the cache, each wholly or not at all.

    Returns:
        The file of each table.

    Raises:
        InputError: The cache cannot be written to.
    """
    cache_folder("tables")
    paths = {name: table_path(name) for name in tables}
    for name, frame in tables.items():
        record = Record(
            published=published.name,
            tables=tuple(tables),
            origin=origin.place,
            sha256=origin.sha256,
            rows=len(frame),
            licence=published.licence,
            source=published.source,
            version=importlib.metadata.version("gradalign"),
        )
        try:
            write_table_file(paths[name], frame, record)
        except OSError as error:
            raise InputError(
                f"cannot write {str(paths[name])!r}: {error.strerror}; make room, or let "
                "GRADALIGN_CACHE name another folder"
            ) from None
    return paths


def read_published(published: Published, path: Path) -> dict[str, pd.DataFrame]:
    """The tables in a published file.

    Raises:
        InputError: It is not of the format, or what is read from it is no table of architectures.
    """
    shown = f"{str(path)!r} cannot be read as {published.filename} of {published.name}"
    try:
        tables = dict(published.read(path))
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror or error}") from None
    except (ValueError, LookupError, TypeError, EOFError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{shown}: {reason}") from None
    if not tables:
        raise InputError(f"{shown}: it holds none of {', '.join(published.benchmarks)}")
    for name, frame in tables.items():
        if fault := _fault(frame):
            raise InputError(f"{shown}: its table {name!r} {fault}")
    return tables


def _fault(frame: pd.DataFrame) -> str | None:
    """What keeps a frame from being a table of architectures."""
    if "arch" not in frame.columns:
        return "has no column 'arch'"
    return "has no rows" if frame.empty else None
