"""Benchmarks by name, and from a table of one's own."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, Metric
from gradalign.benchmarks._formats.tables import (
    in_space,
    is_table,
    metric_columns,
    parse_table,
    spread_runs,
    with_archs,
)
from gradalign.errors import InputError, UnknownNameError
from gradalign.spaces import SPACES, get_space


def get_benchmark(name_or_path: str | Path, space: str | None = None) -> Benchmark:
    """The benchmark of that name, or the one in a file of one's own.

    Args:
        name_or_path: A name in `BENCHMARKS`, or a Parquet or CSV file with a column `arch` of
            texts, one row an architecture, and columns of numbers, each a metric of which higher
            is better. A file's only column of texts counts as `arch`. A column with a list of
            numbers in every row whose mean is a metric holds the trainings behind it.
        space: Search space of a file's architectures, which are then spelled as it spells them;
            None: the one whose prefix every architecture carries, else none.

    Raises:
        InputError: An unknown name, a file that cannot be read or holds no such table, an
            architecture that is not of the space, or another space than the benchmark's own.
    """
    name = str(name_or_path)
    if space is not None:
        get_space(space)  # an unknown one is told first
    if name in BENCHMARKS:
        return _registered(name, space)
    path = Path(name_or_path)
    if is_table(path):
        return _from_file(path, space)
    if path.is_file():
        raise InputError(f"{name!r} is neither .parquet nor .csv: a benchmark is one of the two")
    try:
        return _registered(name, space)
    except UnknownNameError as unknown:
        raise UnknownNameError(f"{unknown}, or give a .parquet or .csv file") from None


def _registered(name: str, space: str | None) -> Benchmark:
    found = BENCHMARKS[name]
    if space not in (None, found.space):
        raise InputError(
            f"the benchmark {name!r} is of the space {found.space!r}, not {space!r}: leave it out"
        )
    return found


def _from_file(path: Path, space: str | None) -> Benchmark:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no file {str(path)!r}: give a benchmark's name or file") from None
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from None
    frame = with_archs(parse_table(content, path), path)
    metrics = metric_columns(frame, path)
    space = space or _common_space(frame["arch"])
    if space is not None:
        frame = in_space(frame, path, space)
    frame, runs = spread_runs(frame, metrics)
    return Benchmark(
        name=str(path),
        space=space,
        metrics={name: Metric(name=name, runs=runs.get(name, ())) for name in metrics},
        load=lambda: frame,
        source=str(path),
        licence="not stated",
        checksum=hashlib.sha256(content).hexdigest(),
    )


def _common_space(archs: Iterable[str]) -> str | None:
    """The space whose prefix all these architectures carry; None: there is none."""
    prefixes = {arch.partition(":")[0].strip() if ":" in arch else "" for arch in archs}
    prefix = prefixes.pop()
    return prefix if not prefixes and prefix in SPACES else None
