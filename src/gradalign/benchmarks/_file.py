"""Benchmarks by name, and from a table of one's own."""

import hashlib
import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, Metric, bare
from gradalign.errors import InputError, UnknownNameError

SUFFIXES = (".parquet", ".csv")


def get_benchmark(name_or_path: str | Path) -> Benchmark:
    """The benchmark of that name, or the one in a file of one's own.

    Args:
        name_or_path: A name in `BENCHMARKS`, or a Parquet or CSV file with a column `arch` of
            texts, one row an architecture, and columns of numbers, each a metric of which higher
            is better.

    Raises:
        InputError: An unknown name, or a file that cannot be read or holds no such table.
    """
    name = str(name_or_path)
    if name in BENCHMARKS:
        return BENCHMARKS[name]
    path = Path(name_or_path)
    if path.suffix.lower() in SUFFIXES:
        return _from_file(path)
    if path.is_file():
        raise InputError(f"{name!r} is neither .parquet nor .csv: a benchmark is one of the two")
    try:
        return BENCHMARKS[name]
    except UnknownNameError as unknown:
        raise UnknownNameError(f"{unknown}, or give a .parquet or .csv file") from None


def _from_file(path: Path) -> Benchmark:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no file {str(path)!r}: give a benchmark's name or file") from None
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from None
    frame = _parsed(content, path)
    metrics = _metrics(frame, path)
    return Benchmark(
        name=str(path),
        space=None,
        metrics={name: Metric(name=name) for name in metrics},
        load=lambda: frame,
        source=str(path),
        licence="not stated",
        checksum=hashlib.sha256(content).hexdigest(),
    )


def _parsed(content: bytes, path: Path) -> pd.DataFrame:
    kind = "CSV" if path.suffix.lower() == ".csv" else "Parquet"
    try:
        if kind == "CSV":
            # as text, so that an architecture such as 00120012 keeps its zeros
            return pd.read_csv(io.BytesIO(content), dtype={"arch": str})
        table = parquet.read_table(pa.BufferReader(content))
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)  # an index stays a column
    except (ValueError, OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["it is broken"])[0]
        raise InputError(f"{str(path)!r} is not a {kind} file: {reason}") from None
    return frame


def _metrics(frame: pd.DataFrame, path: Path) -> list[str]:
    """The metric columns of a table, after a check of the whole of it."""
    columns = ", ".join(map(str, frame.columns[:10])) or "none"
    if list(frame.columns).count("arch") != 1:
        raise InputError(f"{str(path)!r} needs one column 'arch', found the columns: {columns}")
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
    if frame.empty:
        raise InputError(f"{str(path)!r} has no rows: at least one architecture is needed")
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
    return metrics
