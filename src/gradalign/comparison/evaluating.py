"""From the records of scores to the evaluations that are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from gradalign.aggregates import AGGREGATES, Aggregate
from gradalign.benchmarks import Benchmark
from gradalign.errors import UnknownNameError
from gradalign.evaluation import Evaluation, evaluate
from gradalign.proxies import PROXIES


def evaluated(
    scores: pd.DataFrame,
    benchmark: Benchmark,
    metric: str,
    *,
    aggregates: Sequence[Aggregate] = (),
    seed: int = 0,
) -> Evaluation:
    """Rank statistics against one accuracy of a benchmark, short training and aggregates included.

    Args:
        scores: As `gradalign.evaluation.evaluate` takes them. The direction of a score that is no
            registered proxy is `higher`.
        benchmark: Table of accuracies.
        metric: Its column.
        aggregates: Rank aggregates that get rows of their own.
        seed: Of the resamples.

    Raises:
        InputError: As `evaluate` says.
    """
    return evaluate(
        scores,
        benchmark,
        metric,
        directions={name: proxy.better for name, proxy in PROXIES.items()},
        early_stopped=short_training(benchmark, metric),
        aggregates=aggregates,
        seed=seed,
    )


def aggregates_of(
    scores: pd.DataFrame, combined: Iterable[Aggregate] = ()
) -> tuple[Aggregate, ...]:
    """The registered aggregates whose members were all measured, and those that are asked for.

    One whose name is among the scores already, as in a file of the demo, stands for itself.

    Raises:
        UnknownNameError: A member of one of `combined` was not measured.
    """
    measured = {str(name) for name in scores["proxy"].unique()}
    found = {name: each for name, each in AGGREGATES.items() if measured.issuperset(each.members)}
    for aggregate in combined:
        for member in aggregate.members:
            if member not in measured:
                raise UnknownNameError(
                    f"{aggregate.name!r} combines {member!r}, and there are no scores of it: "
                    f"there are those of {', '.join(sorted(measured))}"
                )
        found[aggregate.name] = aggregate
    return tuple(each for name, each in found.items() if name not in measured)


def short_training(benchmark: Benchmark, metric: str) -> dict[str, tuple[str, str]]:
    """The row of short training, if the benchmark has one for this metric: column and cost."""
    short = benchmark.early_stopped.get(metric)
    if short is None or benchmark.frame[short.metric].isna().all():
        return {}
    cost = f"{short.epochs} of {short.full_epochs} epochs on {short.trained_on}"
    return {f"training, {short.epochs} epochs": (short.metric, cost)}
