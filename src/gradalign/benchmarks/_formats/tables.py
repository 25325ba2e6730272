"""CSV and Parquet, and what makes either a table of architectures."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
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
    metrics = _numbers(frame)
    if not metrics:
        raise InputError(
            f"{str(path)!r} has no metric: at least one column of numbers is needed beside 'arch', "
            f"found the columns: {columns}"
        )
    _check_archs(frame, path)
    return metrics


def _numbers(frame: pd.DataFrame) -> list[str]:
    """The columns of numbers beside `arch`."""
    return [
        str(name)
        for name in frame.columns
        if name != "arch"
        and pd.api.types.is_numeric_dtype(frame[name])
        and not pd.api.types.is_bool_dtype(frame[name])
    ]


def with_archs(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table with its only column of texts named `arch`, where no column bears that name.

    One without numbers is left as it is: its texts may be lines that were not taken apart.

    Raises:
        InputError: It has several columns of texts.
    """
    if "arch" in frame.columns or not _numbers(frame):
        return frame
    texts = [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name])]
    if len(texts) > 1:
        raise InputError(
            f"{str(path)!r} has several columns of texts, {', '.join(map(_shown, texts))}: rename "
            "the one with the architectures to 'arch'"
        )
    return frame.rename(columns=dict.fromkeys(texts, "arch"))


def spread_runs(
    frame: pd.DataFrame, metrics: Iterable[str]
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """The trainings behind a metric as a column each, where the table holds them as lists.

    Args:
        frame: A table, some columns of which may hold a list of numbers in every row: of one
            length, one number a training.
        metrics: Columns of numbers, each of which is looked for among the means of the lists.

    Returns:
        The table with these columns added, and their names by metric.
    """
    lists = [found for name in frame.columns if (found := _lists(frame[name])) is not None]
    added: dict[str, tuple[str, ...]] = {}
    for metric in metrics:
        for trainings in lists:
            names = run_columns(metric, trainings.shape[1])
            fits = np.allclose(frame[metric], trainings.mean(axis=1), equal_nan=True)
            if fits and not set(names) & set(frame.columns):
                runs = pd.DataFrame(trainings, columns=list(names), index=frame.index)
                frame = pd.concat([frame, runs], axis=1)
                added[metric] = names
    return frame, added


def run_columns(metric: str, trainings: int) -> tuple[str, ...]:
    """Names of the columns that hold one training each behind a metric."""
    return tuple(f"{metric}_run_{k}" for k in range(1, trainings + 1))


def _lists(column: pd.Series[Any]) -> NDArray[np.float64] | None:
    """[rows, k]: the column if every row of it holds a list of k > 1 numbers."""
    if not all(isinstance(value, (list, np.ndarray)) for value in column):
        return None
    try:
        values = np.array([*column], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):  # of other lengths, or no numbers
        return None
    return values if values.ndim == 2 and values.shape[1] > 1 else None


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


def in_space(frame: pd.DataFrame, path: Path, space: str) -> pd.DataFrame:
    """The table with every architecture in the spelling of its space, as `Benchmark` wants it.

    A name that stands for an architecture, such as a hash, stays what it is.

    Raises:
        InputError: An architecture is malformed, or stands in two rows.
    """
    reference = get_space(space).reference
    archs = [bare(arch) for arch in frame["arch"]]
    for row, arch in enumerate(archs):
        if reference is None or not reference.fullmatch(arch):
            archs[row] = _spelled(arch, row + 1, path, space)
    found = frame.assign(arch=archs)
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
