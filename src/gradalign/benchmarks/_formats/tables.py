"""CSV and Parquet, and what makes either a table of architectures."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from gradalign.benchmarks._base import bare
from gradalign.benchmarks._formats.files import read_whole
from gradalign.errors import InputError
from gradalign.spaces import get_space

SUFFIXES = (".parquet", ".csv")

TEXTS = {"arch": str, "adjacency": str}
"""Columns of a CSV file that are texts: an architecture such as 00120012 keeps its zeros."""

MOST_ROWS = 5_000_000
"""More than any table has; a Parquet file of a few bytes can state any number."""


def is_table(path: Path) -> bool:
    """Whether the name is that of a Parquet or CSV file."""
    return path.suffix.lower() in SUFFIXES


def read_table(path: Path) -> pd.DataFrame:
    """The columns of a Parquet or CSV file; those of `TEXTS` as text.

    Raises:
        InputError: The file cannot be read.
    """
    return parse_table(read_whole(path), path)


def parse_table(content: bytes, path: Path) -> pd.DataFrame:
    """`read_table` from content that has been read; the name says which format it is."""
    kind = "CSV" if path.suffix.lower() == ".csv" else "Parquet"
    try:
        if kind == "CSV":
            return pd.read_csv(io.BytesIO(content), dtype=TEXTS, low_memory=False)
        file = parquet.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        if file.metadata.num_rows > MOST_ROWS:
            raise InputError(f"{str(path)!r} has more than {MOST_ROWS:,} rows: divide it")
        frame: pd.DataFrame = file.read().to_pandas(ignore_metadata=True)  # an index stays a column
    except InputError:
        raise
    except (ValueError, OSError, MemoryError, OverflowError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["it is broken"])[0]
        raise InputError(f"{str(path)!r} is not a {kind} file: {reason}") from None
    return frame


def metric_columns(frame: pd.DataFrame, path: Path) -> list[str]:
    """The columns of numbers beside `arch`, after a check of the whole table.

    Raises:
        InputError: No column `arch`, no numbers, no rows, a row without or with a repeated text.
    """
    columns = ", ".join(map(_shown, frame.columns[:10])) or "none"
    if list(frame.columns).count("arch") != 1:
        raise InputError(f"{str(path)!r} needs one column 'arch', found the columns: {columns}")
    if frame.empty:
        raise InputError(f"{str(path)!r} has no rows: at least one architecture is needed")
    metrics = [
        str(name)
        for name in frame.columns
        if name != "arch"
        and pd.api.types.is_numeric_dtype(frame[name])
        and not pd.api.types.is_bool_dtype(frame[name])
    ]
    if not metrics:
        raise InputError(
            f"{str(path)!r} has no metric: at least one column of numbers is needed beside 'arch', "
            f"found the columns: {columns}"
        )
    _check_archs(frame, path)
    return metrics


def read_archs(path: Path, space: str | None) -> pd.DataFrame:
    """A table of one's own: `arch` in the space's spelling, and its columns of numbers.

    Args:
        path: Parquet or CSV with a column `arch`, one row an architecture.
        space: Name of the space; None: the texts are kept.

    Raises:
        InputError: The file cannot be read, is no such table, or an architecture is malformed.
    """
    return tidy(read_table(path), path, space)


def tidy(frame: pd.DataFrame, path: Path, space: str | None) -> pd.DataFrame:
    """`read_archs` from a table that has been read."""
    metrics = metric_columns(frame, path)
    archs = [bare(arch) for arch in frame["arch"]]
    if space is not None:
        archs = [_spelled(arch, row, path, space) for row, arch in enumerate(archs, start=1)]
    found = frame[metrics].assign(arch=archs)[["arch", *metrics]]
    _check_archs(found, path)
    return found


def _spelled(arch: str, row: int, path: Path, space: str) -> str:
    spelled = get_space(space)
    try:
        return spelled.format(spelled.parse(arch))
    except InputError as fault:
        raise InputError(f"{str(path)!r}, row {row}: {fault}") from None


def add_hashes(frame: pd.DataFrame, path: Path, space: str) -> pd.DataFrame:
    """A tidy table with a first column `hash`, the canonical form of each architecture.

    Raises:
        InputError: Two rows are isomorphic.
    """
    spelled = get_space(space)
    forms = frame["arch"].map(lambda text: spelled.canonical(spelled.parse(text)))
    if len(twice := frame["arch"][forms.duplicated()]):
        raise InputError(
            f"{str(path)!r}: {twice.iloc[0][:120]!r} is isomorphic to one in another row; give "
            "each architecture one row"
        )
    return frame.assign(hash=forms)[["hash", *frame.columns]]


def _shown(column: object) -> str:
    """The name of a column on one line, cut after 40 characters."""
    name = str(column)[:40]
    return name if name.isprintable() else repr(name)


def _check_archs(frame: pd.DataFrame, path: Path) -> None:
    seen: dict[str, int] = {}
    for row, arch in enumerate(frame["arch"], start=1):
        if not isinstance(arch, str) or not arch.strip():
            raise InputError(f"{str(path)!r}, row {row}: 'arch' is {arch!r}, a text is needed")
        first = seen.setdefault(bare(arch), row)
        if first != row:
            raise InputError(
                f"{str(path)!r}, row {row}: {arch!r} stands in row {first} too; give each "
                "architecture one row"
            )
