"""What a benchmark is: trained accuracies of architectures, what they mean, where they are from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from gradalign._registry import Registry
from gradalign.benchmarks import _cache
from gradalign.errors import InputError
from gradalign.spaces import SPACES, get_space


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A column of trained accuracies, or of what a network costs.

    Args:
        name: Name of the column.
        description: What was measured, in one line.
        split: On which images, after training on which; None: not stated.
        epochs: How long each network was trained; None: not stated.
        seeds: Over how many trainings the value is a mean; None: not stated.
        better: Which values are wanted: high ones of an accuracy, low ones of a latency.
        runs: Columns of the table that hold the accuracy of one training each, whose mean the
            value is; they are no metrics of their own. A table may lack them.
    """

    name: str
    description: str = ""
    split: str | None = None
    epochs: int | None = None
    seeds: str | None = None
    better: Literal["higher", "lower"] = "higher"
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EarlyStopped:
    """Short training as a predictor of long training, and what it costs.

    Args:
        metric: The column that holds the accuracy after short training.
        trained_on: Data set of the short training, which may differ from that of the long one.
        epochs: Length of the short training.
        full_epochs: Length of the long one.
    """

    metric: str
    trained_on: str
    epochs: int
    full_epochs: int

    @property
    def cost(self) -> float:
        """Share of the long training's epochs, in (0, 1)."""
        return self.epochs / self.full_epochs


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A table with a row for each architecture.

    Args:
        name: How it is asked for.
        space: Name of the search space whose spelling `arch` is in; None: not stated, and
            architectures are compared as texts, without the prefix of a space.
        metrics: What each accuracy means, by column; the first is the default. A table may lack
            some: their values are NaN.
        load: Reads the table: a column `arch`, metrics, and what else the source states.
        early_stopped: For each metric that has one, the short training that predicts it.
        description: What it holds, in one line.
        source: Paper or file it comes from.
        licence: Its licence.
        checksum: SHA-256 of the table's file; None: the source pins none.
        published: The published file the table is read from, a name in `PUBLISHED`; None: the
            table is at hand without one.
        embedded: Whether the package holds a part of the table.
        by_canonical: Whether a network is the same in every isomorphic spelling, so that it is
            found by its canonical form, which the column `hash` holds, and by that form's text.
    """

    name: str
    space: str | None
    metrics: Mapping[str, Metric]
    load: Callable[[], pd.DataFrame]
    early_stopped: Mapping[str, EarlyStopped] = field(default_factory=dict)
    description: str = ""
    source: str
    licence: str
    checksum: str | None = None
    published: str | None = None
    embedded: bool = False
    by_canonical: bool = False

    @property
    def at_hand(self) -> bool:
        """Whether the table, or a part of it, can be read without fetching a file; reads none."""
        return self.published is None or self.embedded or _cache.at_hand(self.name)

    @property
    def rows_at_hand(self) -> int | None:
        """Number of architectures that can be read without fetching a file; None: no table."""
        if self.embedded or self.published is None:
            return len(self)
        return _cache.table_rows(self.name)

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the table."""
        return self._table.copy()

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, arch: str) -> bool:
        return self._key(arch) in self._rows

    def row(self, arch: str) -> dict[str, float]:
        """The value of every metric for exactly this architecture.

        An isomorphic one is another, unless the benchmark finds networks `by_canonical` form.

        Raises:
            InputError: Malformed, or not in the table.
        """
        key = self._key(arch)
        if key not in self._rows:
            raise InputError(
                f"the benchmark {self.name!r} holds {len(self):,} architectures, not {arch!r}"
            )
        values = self._table.iloc[self._rows[key]]
        return {metric: float(values[metric]) for metric in self.metrics}

    def spelling(self, arch: str) -> str | None:
        """The table's own spelling of an architecture; None: it does not hold it, or it is none."""
        try:
            row = self._rows.get(self._key(arch))
        except InputError:
            return None
        return None if row is None else str(self._table["arch"].iloc[row])

    def values(self, archs: Iterable[str], metric: str) -> npt.NDArray[np.float64]:
        """The values of one metric, in the order of `archs`; NaN where the table has none.

        Raises:
            InputError: A malformed architecture or an unknown metric.
        """
        column = self._table[self.metric(metric).name].to_numpy(np.float64)  # [rows]
        rows = [self._rows.get(self._key(arch), -1) for arch in archs]
        return np.append(column, np.nan)[rows] if rows else np.empty(0)

    def metric(self, name: str | None = None) -> Metric:
        """The metric of that name; None: the default one."""
        if name is None:
            return next(iter(self.metrics.values()))
        if name not in self.metrics:
            raise InputError(
                f"the benchmark {self.name!r} has no metric {name!r}: "
                f"choose from {', '.join(self.metrics)}"
            )
        return self.metrics[name]

    def runs(self, metric: str) -> tuple[str, ...]:
        """Columns of `frame` with one training each behind this metric; empty: the table has none.

        Raises:
            InputError: An unknown metric.
        """
        stated = self.metric(metric).runs
        return stated if set(stated) <= set(self._table.columns) else ()

    @cached_property
    def _table(self) -> pd.DataFrame:
        table = self.load()
        absent = {metric: np.nan for metric in self.metrics if metric not in table.columns}
        return table.assign(**absent)

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Row of each architecture; tables are in their space's spelling already."""
        if self.by_canonical:
            return {form: row for row, form in enumerate(self._table["hash"])}
        if self.space is not None:
            return {arch: row for row, arch in enumerate(self._table["arch"])}
        return {self._key(arch): row for row, arch in enumerate(self._table["arch"])}

    def _key(self, arch: str) -> str:
        text = bare(arch)
        if self.space is None or (self.by_canonical and text in self._rows):
            return text
        space = get_space(self.space)
        if space.reference is not None and space.reference.fullmatch(text):
            return text  # a name that this table does not hold
        arch = space.parse(text)
        return space.canonical(arch) if self.by_canonical else space.format(arch)


BENCHMARKS: Registry[Benchmark] = Registry("benchmark", "gradalign.benchmarks", plugins=True)


def bare(arch: str) -> str:
    """`arch` without the prefix of a space (`nb201:`) and without surrounding white space."""
    prefix, colon, rest = arch.partition(":")
    return (rest if colon and prefix.strip() in SPACES else arch).strip()
