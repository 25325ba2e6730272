"""What proposals take: counted, measured here, or looked up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gradalign.benchmarks import Benchmark, get_benchmark
from gradalign.benchmarks.hw_nas_bench import INDEX, read
from gradalign.errors import InputError
from gradalign.search.measure import Measurer
from gradalign.search.objective import Values
from gradalign.search.subject import Proposal, Subject

LATENCY = "latency"

TIMED = (LATENCY,)
"""Costs that other work on the machine would change: measured one network after the other."""

MILLISECONDS = 1e-3


class LatencyTable:
    """Latencies of the networks of a space, in milliseconds in the table.

    Args:
        text: `TABLE:COLUMN`: a benchmark or a Parquet or CSV file, and the metric in it. A file may
            have NAS-Bench-201's official index in place of the architecture.
        subject: What is searched.

    Raises:
        InputError: No search space is searched, there is no such table, or it has no such column.
    """

    def __init__(self, text: str, subject: Subject) -> None:
        self.name = text
        if subject.space is None:
            raise InputError(f"{subject.name} is no search space: its latency is in no table")
        place, colon, column = text.rpartition(":")
        if not colon:
            raise InputError(f"the latency table {text!r} names no column: write TABLE:COLUMN")
        self._table = _table(place, subject.space.name)
        self._column = self._table.metric(column).name

    def seconds(self, arch: str) -> float | None:
        """The latency of an architecture; None: the table does not hold it."""
        (value,) = self._table.values([arch], self._column)
        return float(value) * MILLISECONDS if np.isfinite(value) else None


class Costs:
    """Finds out what networks take.

    Args:
        measurer: Measures what is not looked up.
        names: The costs.
        table: Where latencies are looked up; None: they are measured.
    """

    def __init__(
        self, measurer: Measurer, names: tuple[str, ...], table: LatencyTable | None
    ) -> None:
        looked_up = (LATENCY,) if table is not None else ()
        self._measurer = measurer
        self._table = table
        self._timed = tuple(n for n in names if n in TIMED and n not in looked_up)
        self._counted = tuple(n for n in names if n not in TIMED and n not in looked_up)

    def of(self, proposals: Sequence[Proposal]) -> dict[str, Values]:
        """The costs of each network by its name; None where one could not be had."""
        models = list(dict.fromkeys(own.model for own in proposals))
        counted = self._measurer.records(models, self._counted)
        timed = self._measurer.records(models, self._timed, alone=True)
        found = {
            own[0]: {name: each.value for name, each in {**counted[own], **timed[own]}.items()}
            for own in counted
        }
        if self._table is not None:
            for own in proposals:
                found[own.model][LATENCY] = self._table.seconds(own.arch)
        return dict(found)


def _table(place: str, space: str) -> Benchmark:
    path = Path(place)
    if path.suffix == ".parquet" and path.is_file() and INDEX in pd.read_parquet(path).columns:
        (frame,) = read(path).values()
        return Benchmark(
            name=place,
            space=space,
            metrics=get_benchmark("hw_nas_bench").metrics,
            load=lambda: frame,
            source=place,
            licence="not stated",
        )
    return get_benchmark(place, space)
