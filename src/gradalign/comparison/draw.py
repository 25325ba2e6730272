"""Which accuracies of a benchmark are compared, and which of its networks are measured."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import numpy as np

from gradalign.benchmarks import BENCHMARKS, Benchmark
from gradalign.errors import InputError
from gradalign.spaces import SPACES

FEWEST = 3
"""Networks that an order can be judged on."""

_SPLIT = {"train", "training", "val", "valid", "validation", "test"}
"""Words in the name of an accuracy that say on which images, not on which data."""


def default_metrics(benchmark: Benchmark) -> tuple[str, ...]:
    """The accuracies of a benchmark that stand in a comparison unless others are asked for.

    Of a file of one's own, the first one. Of a registered benchmark, one for each data set or task:
    of the accuracies after as many epochs as the default one, the first of those whose names differ
    only in the split (`test_accuracy`, `validation_accuracy`) or the epochs. Columns that short
    training is read from, those without values, and costs such as a latency are no such accuracies.
    """
    default = benchmark.metric()
    if default.better == "lower":
        return ()
    if benchmark.name not in BENCHMARKS:
        return (default.name,)
    short = {each.metric for each in benchmark.early_stopped.values()}
    table = benchmark.frame
    chosen: dict[tuple[str, ...], str] = {}
    for metric in benchmark.metrics.values():
        comparable = metric.better == "higher" and metric.epochs == default.epochs
        if comparable and metric.name not in short and table[metric.name].count() >= FEWEST:
            chosen.setdefault(_task(metric.name, metric.epochs), metric.name)
    return tuple(chosen.values())


def _task(name: str, epochs: int | None) -> tuple[str, ...]:
    """The words of a metric's name that say on what it was measured."""
    left = {*_SPLIT, str(epochs), f"{epochs}epochs"}
    return tuple(word for word in re.split(r"[_\s]+", name.lower()) if word not in left)


def drawn(benchmark: Benchmark, metrics: Sequence[str], networks: int, seed: int) -> list[str]:
    """Networks of a benchmark, with the prefix of their space, drawn without replacement.

    Args:
        benchmark: Its table, of a known space, or of architectures with the prefix of theirs.
        metrics: Only networks with a value in each of these are drawn.
        networks: How many.
        seed: The same table, metrics and seed give the same networks.

    Raises:
        InputError: The space is not known, or the table holds fewer networks.
    """
    table = benchmark.frame
    if benchmark.space is None and not table["arch"].map(_has_prefix).all():
        raise InputError(
            f"the search space of {benchmark.name!r} is not known: name it by --space, or write "
            "the architectures with its prefix"
        )
    prefix = "" if benchmark.space is None else f"{benchmark.space}:"
    complete = np.isfinite(table[[*metrics]].to_numpy(np.float64)).all(axis=1)
    archs = table["arch"][complete].tolist()
    if not FEWEST <= networks <= len(archs):
        raise InputError(
            f"{networks:,} networks of {benchmark.name!r}: choose {FEWEST} to {len(archs):,}"
        )
    return [f"{prefix}{arch}" for arch in random.Random(seed).sample(archs, networks)]


def _has_prefix(arch: str) -> bool:
    return arch.partition(":")[0] in SPACES
