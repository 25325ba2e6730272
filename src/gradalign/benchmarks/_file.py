"""Benchmarks by name, and from a table of one's own."""

import hashlib
from pathlib import Path

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, Metric
from gradalign.benchmarks._formats.tables import is_table, metric_columns, parse_table
from gradalign.errors import InputError, UnknownNameError


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
    if is_table(path):
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
    frame = parse_table(content, path)
    metrics = metric_columns(frame, path)
    return Benchmark(
        name=str(path),
        space=None,
        metrics={name: Metric(name=name) for name in metrics},
        load=lambda: frame,
        source=str(path),
        licence="not stated",
        checksum=hashlib.sha256(content).hexdigest(),
    )
