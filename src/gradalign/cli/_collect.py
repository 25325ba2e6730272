"""From a store, and what is measured into it, to the evaluations that tables are made of."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from gradalign.aggregates import Aggregate
from gradalign.benchmarks import BENCHMARKS, Benchmark
from gradalign.cli._scores import chosen, comparable
from gradalign.cli._sweep import Resources, opened, run_sweep
from gradalign.comparison import aggregates_of, default_metrics, drawn, evaluated
from gradalign.comparison.draw import FEWEST
from gradalign.errors import InputError
from gradalign.evaluation import Evaluation
from gradalign.store import Store
from gradalign.sweep import Plan


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What the tables show.

    Args:
        evaluations: One for each metric of each benchmark.
        statuses: How many records there are of each status.
        protocols: The conditions behind the records.
    """

    evaluations: list[Evaluation] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    protocols: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def add(
        self,
        records: pd.DataFrame,
        protocols: Mapping[str, Mapping[str, object]],
        table: Benchmark,
        metrics: Sequence[str],
        combined: Sequence[Aggregate],
        seed: int,
    ) -> None:
        """Evaluate records against each metric of a benchmark."""
        aggregates = aggregates_of(records, combined)
        for metric in metrics:
            found = evaluated(records, table, metric, aggregates=aggregates, seed=seed)
            self.evaluations.append(found)
        self.statuses.update(records["status"])
        for name in records["protocol"].unique():
            self.protocols[name] = protocols[name]


def held(
    db: Path,
    named: Sequence[Benchmark],
    metrics: Sequence[str],
    combined: Sequence[Aggregate],
    proxies: Sequence[str] | None,
    protocol: str | None,
    seed: int,
) -> Collected:
    """Evaluate what a store holds.

    Args:
        db: The store.
        named: Benchmarks; none: the registered ones at hand for the networks of the store.
        metrics: Their accuracies; none: the default ones.
        combined: Aggregates beside the registered ones.
        proxies: Scores to take; None: all.
        protocol: Hashes of the conditions whose records are taken, between commas; None: all.
        seed: Of the resamples.

    Raises:
        InputError: No store, no scores in it, no benchmark for them, or scores that are not to be
            compared.
    """
    with Store.read(db) as store:
        frame, protocols = store.frame(proxies=proxies), store.protocols
    frame = chosen(frame, protocol, db)
    if frame.empty:
        raise InputError(f"{str(db)!r} holds no such scores: measure some by --sample N")
    collected = Collected()
    for table, own in with_metrics(named or _for_networks(frame, db), metrics):
        records = comparable(frame, table.space, db)
        collected.add(records, protocols, table, own, combined, seed)
    return collected


def measured(
    db: Path,
    named: Sequence[Benchmark],
    metrics: Sequence[str],
    combined: Sequence[Aggregate],
    plan: Plan,
    resources: Resources,
    *,
    sample: int,
    seed: int,
    quiet: bool,
) -> Collected:
    """Draw networks of each benchmark, measure what the store lacks of them, and evaluate.

    Only the networks drawn, measured on the conditions of `plan`, are evaluated.

    Args:
        db: The store, which may be there.
        named: Benchmarks; none: all registered ones at hand.
        metrics: Their accuracies; none: the default ones.
        combined: Aggregates beside the registered ones.
        plan: What is measured.
        resources: What the sweep may take.
        sample: Number of networks of each benchmark.
        seed: Of the draw, the measurement and the resamples.
        quiet: Whether to show no progress.

    Raises:
        InputError: A table of an unknown space or with fewer networks, or an error in `plan`.
    """
    scorer = plan.scorer()
    asked = with_metrics(named or _at_hand(), metrics)
    draws = [drawn(table, own, sample, seed) for table, own in asked]
    collected = Collected()
    for (table, own), archs in zip(asked, draws, strict=True):
        with opened(db, resume=True) as store:
            run_sweep(archs, plan, store, resources, seeds=(seed,), quiet=quiet)
            frame = store.frame(protocols=[*scorer.protocols], proxies=plan.proxies)
        records = frame[frame["model"].isin(archs) & (frame["seed"] == seed)]
        collected.add(records.reset_index(drop=True), scorer.protocols, table, own, combined, seed)
    return collected


def with_metrics(
    tables: Sequence[Benchmark], names: Sequence[str]
) -> list[tuple[Benchmark, tuple[str, ...]]]:
    """Each benchmark with the accuracies that are asked for, or its default ones.

    Raises:
        InputError: A metric that no benchmark has, or of which low values are wanted; a benchmark
            without any accuracy that is asked for.
    """
    for name in names:
        if not any(name in table.metrics for table in tables):
            tables[0].metric(name)  # raises, with those that it has
    found = []
    for table in tables:
        own = tuple(name for name in names if name in table.metrics) or (
            () if names else default_metrics(table)
        )
        if not own or any(table.metric(name).better == "lower" for name in own):
            raise InputError(
                f"{table.name!r} has no accuracy {' or '.join(names) or 'at all'}, of which high "
                f"values are wanted: it has {', '.join(table.metrics)}"
            )
        found.append((table, own))
    return found


def _at_hand() -> list[Benchmark]:
    """The registered benchmarks of one space at hand that hold an accuracy."""
    known = [each for each in BENCHMARKS.values() if each.space is not None]
    return [each for each in known if each.at_hand and default_metrics(each)]


def _for_networks(frame: pd.DataFrame, db: Path) -> list[Benchmark]:
    """The registered benchmarks at hand that hold enough of the networks that were scored."""
    models = frame["model"].unique().tolist()
    found = [
        table
        for table in _at_hand()
        if len([*itertools.islice(_known(table, models), FEWEST)]) == FEWEST
    ]
    if not found:
        raise InputError(
            f"no benchmark at hand holds {FEWEST} of the networks of {str(db)!r}: name one or a "
            "file, or see gradalign data list"
        )
    return found


def _known(table: Benchmark, models: Sequence[str]) -> Iterator[str]:
    prefix = f"{table.space}:"
    return (m for m in models if m.startswith(prefix) and table.spelling(m) is not None)
