"""Tables of trained accuracies: what is read of one, and how its networks are named."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gradalign.errors import InputError, UnknownNameError

Values = NDArray[np.float64]

ARCHITECTURE = "arch"
"""Name of the column that holds the architectures of a table of accuracies."""


class Truth(Protocol):
    """A table of trained accuracies: what is read of a benchmark."""

    @property
    def name(self) -> str:
        """Name of the benchmark."""

    @property
    def metrics(self) -> Collection[str]:
        """Names of the columns of `frame` that hold final accuracies, higher being better."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row a network: the column `arch`, the metrics, and whatever else there is."""

    def spelling(self, arch: str) -> str | None:
        """The architecture as `frame` spells it; None: it is not there."""

    def runs(self, metric: str) -> Sequence[str]:
        """Columns of `frame` with the single trainings whose mean the metric is; none known: ()."""


class Table(NamedTuple):
    """What is read of a table of accuracies, one row a network.

    Args:
        name: Name of the table.
        architectures: Of each row.
        accuracy: Of each row, NaN where there is none.
        frame: The rows as they are.
        runs: Columns of the frame that hold single trainings.
    """

    name: str
    architectures: pd.Index[str]
    accuracy: Values
    frame: pd.DataFrame
    runs: tuple[str, ...]


def architecture_text(model: str) -> str:
    """An architecture without its space: `nb201:|..|` and `|..|` are the same one.

    A prefix is an identifier before the first colon; `64:32:64` therefore has none.
    """
    prefix, colon, text = model.partition(":")
    return text if colon and prefix.isidentifier() else model


def read_table(
    truth: pd.DataFrame | Truth, metric: str, name: str | None, runs: Sequence[str]
) -> Table:
    """The table `truth`, called `name` (by default as it calls itself), for one of its metrics.

    Args:
        truth: A benchmark, or a frame with the column `arch` and metric columns.
        metric: Column of accuracies.
        name: Name of the table.
        runs: Columns of single trainings; by default those that a benchmark names.

    Raises:
        InputError: If there is no such column, or an architecture occurs twice.
    """
    if isinstance(truth, pd.DataFrame):
        label, frame = name or "table", truth
        numeric = frame.select_dtypes("number").columns
        metrics: Collection[str] = [str(column) for column in numeric if column != ARCHITECTURE]
    else:
        label, frame, metrics = name or truth.name, truth.frame, truth.metrics
    if ARCHITECTURE not in frame.columns:
        raise InputError(
            f"the table {label!r} lacks the column {ARCHITECTURE!r}: "
            f"found are {', '.join(map(str, frame.columns))}"
        )
    if metric not in metrics:
        raise unknown_name("metric", metric, metrics)
    index = pd.Index([architecture_text(str(text)) for text in frame[ARCHITECTURE]])
    if index.has_duplicates:
        twice = index[index.duplicated()][0]
        raise InputError(f"the table {label!r} lists {twice!r} twice: keep one row a network")
    if not runs and not isinstance(truth, pd.DataFrame):
        runs = truth.runs(metric)
    for run in runs:
        known_column(frame, run)
    return Table(label, index, numbers(known_column(frame, metric)), frame, tuple(runs))


def spelled(models: Iterable[str], truth: pd.DataFrame | Truth) -> list[str]:
    """Architectures as the table spells them, all without their space."""
    spell: Callable[[str], str | None] = (
        (lambda _: None) if isinstance(truth, pd.DataFrame) else truth.spelling
    )
    return [architecture_text(spell(model) or model) for model in models]


def numbers(values: pd.Series[float]) -> Values:
    """As float64, NaN where it is no number."""
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def known_column(frame: pd.DataFrame, column: str) -> pd.Series[float]:
    """A column of the table, or an `UnknownNameError` that offers the nearest."""
    if column not in frame.columns:
        raise unknown_name("column", column, map(str, frame.columns))
    series: pd.Series[float] = frame[column]
    return series


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """An error that offers the names nearest to `name`, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(map(repr, near))}" if near else f"there are {', '.join(names)}"
    )
    return UnknownNameError(f"unknown {kind} {name!r}: {hint}")
