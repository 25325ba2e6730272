"""Scores beside the accuracies of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gradalign.benchmarks import BENCHMARKS, Benchmark, Metric, get_benchmark
from gradalign.comparison import aggregates_of, evaluated, short_training
from gradalign.comparison.grids import short_name
from gradalign.errors import InputError
from gradalign.evaluation import Evaluation
from gradalign.evaluation.pool import Pool, make_pool
from gradalign.pages.networks import Networks
from gradalign.proxies import PROXIES

FEWEST = 3
"""Networks that an order can be judged on."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Scores beside one accuracy.

    Args:
        benchmark: The table.
        metric: What its column means.
        label: How the accuracy is called on the page.
        evaluation: The rank statistics.
        pool: The networks with an accuracy, and their scores.
    """

    benchmark: Benchmark
    metric: Metric
    label: str
    evaluation: Evaluation
    pool: Pool

    @property
    def title(self) -> str:
        """The accuracy and the table it is from; a file by its stem."""
        return f"{self.label} of {short_name(self.evaluation)}"

    @property
    def percent(self) -> bool:
        """Whether the accuracies are known to be percentages."""
        return "percent" in self.metric.description

    @property
    def unit(self) -> str:
        """The accuracy's unit, behind a number or a name."""
        return " (%)" if self.percent else ""


def compare(
    records: pd.DataFrame,
    benchmark: Benchmark,
    metric: str,
    *,
    label: str | None = None,
    seed: int = 0,
) -> Compared:
    """Put scores beside one accuracy, the registered aggregates and short training among them.

    Args:
        records: One row a record, of every score those of one protocol.
        benchmark: The table.
        metric: Its column.
        label: How the accuracy is called, by default as the table calls it.
        seed: Of the resamples behind the intervals.

    Raises:
        InputError: Fewer than 3 of the networks are in the table.
    """
    aggregates = aggregates_of(records)
    found = evaluated(records, benchmark, metric, aggregates=aggregates, seed=seed)
    pool = make_pool(
        records,
        benchmark,
        metric,
        directions={name: proxy.better for name, proxy in PROXIES.items()},
        early_stopped=short_training(benchmark, metric),
        aggregates=aggregates,
    )
    return Compared(
        benchmark=benchmark,
        metric=benchmark.metric(metric),
        label=label or metric,
        evaluation=found,
        pool=pool,
    )


def held(benchmark: Benchmark, models: Sequence[str]) -> pd.DataFrame:
    """[models, metrics]: what a table holds of networks, NaN where it holds nothing."""
    table = benchmark.frame.drop_duplicates("arch").set_index("arch")[[*benchmark.metrics]]
    spelled = [benchmark.spelling(model) or "" for model in models]
    return table.reindex(spelled).set_axis(list(models), axis="index").astype(np.float64)


def accuracies_at_hand(
    networks: Networks, benchmark: str | None = None, metric: str | None = None
) -> list[tuple[Benchmark, str]]:
    """The tables and their columns that can be compared with: 3 networks or more have a value.

    Args:
        networks: The networks.
        benchmark: Name or file of the one table to look at; None: all registered ones at hand.
        metric: Name of the one column to look at; None: all accuracies but those of short training.

    Raises:
        InputError: No such benchmark, a file that cannot be read, or a metric it does not have.
    """
    found = []
    for table in _tables(networks, benchmark):
        short = {each.metric for each in table.early_stopped.values()}
        columns = [
            name
            for name, each in table.metrics.items()
            if each.better == "higher" and (name == metric if metric else name not in short)
        ]
        values = held(table, networks.models)[columns] if columns else pd.DataFrame()
        found += [(table, name) for name in columns if values[name].count() >= FEWEST]
    return found


def _tables(networks: Networks, benchmark: str | None) -> list[Benchmark]:
    if benchmark is not None:
        named = get_benchmark(benchmark)
        return [named] if named.space in (None, networks.space) else []
    own = [each for each in BENCHMARKS.values() if each.space == networks.space]
    return [each for each in own if networks.space is not None and each.at_hand]


def check_asked(
    found: Sequence[tuple[Benchmark, str]], benchmark: str | None, metric: str | None
) -> None:
    """Refuse a benchmark or a metric that was asked for and that no networks can use.

    Raises:
        InputError: Nothing was found.
    """
    if found or (benchmark is None and metric is None):
        return
    if benchmark is not None:
        asked = get_benchmark(benchmark).metric(metric)  # tells a metric that it does not have
        if asked.better == "lower":
            raise InputError(
                f"low values of {asked.name!r} in {benchmark!r} are wanted, and scores are "
                "compared with what is wanted high: choose an accuracy"
            )
        what = f"{metric!r} of {benchmark!r}" if metric else f"{benchmark!r}"
        raise InputError(
            f"fewer than {FEWEST} of the networks have a value in {what}: choose another benchmark"
        )
    raise InputError(
        f"no benchmark at hand has a value of {metric!r} for {FEWEST} of the networks: name one "
        "with --benchmark, or leave --metric out"
    )
