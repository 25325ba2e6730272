"""The main job on embedded data: rank real networks, and compare with their trained accuracies."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gradalign.benchmarks import Benchmark, get_benchmark
from gradalign.comparison import difference
from gradalign.errors import InputError
from gradalign.evaluation import Evaluation, PairedDifference, Row
from gradalign.pages import Compared, Networks, compare, is_size
from gradalign.record import Scores
from gradalign.sweep import Plan, score_in_processes

METRICS: Mapping[str, str] = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "imagenet16-120": "ImageNet16-120",
}
"""Columns of the embedded table that the scores are compared with, and how they are written."""

PLAN = Plan(
    proxies=(
        "gradalign_plus",
        "gradalign_i",
        "gradalign_i_mean",
        "gradalign_ii",
        "gradalign_ii_macs",
        "gradient_effective_rank",
        "conflict_fraction",
        "feature_entropy",
        "gradient_entropy",
        "gradsign",
        "zico_per_sample",
        "naswot",
        "knas",
        "params",
        "macs",
        "layers",
        "gradalign_plus_ablation",
        "live_layers",
    ),
    data="digits",
    batch_size=16,
    input_size=(3, 16, 16),
    device="cpu",
)
"""What one shared pass gives, and what it has to be better than."""

DEFINED_OR_NOT = ("ok", "no_gradient", "nan", "inf")
"""Statuses of a measurement that was made."""

Progress = Callable[[int, int], None]
"""Called with the number of networks done and that of all."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What the demo found.

    Args:
        networks: The networks, as the table spells them, with their records.
        compared: The scores beside each of the accuracies `METRICS`.
        protocols: The conditions behind each protocol hash.
        seed: Of the draw of networks, their initialisation and the batch.
        workers: Number of processes.
        seconds: Of the whole run.
    """

    networks: Networks
    compared: Mapping[str, Compared]
    protocols: Mapping[str, Mapping[str, object]]
    seed: int
    workers: int
    seconds: float

    @property
    def benchmark(self) -> Benchmark:
        """The table of trained accuracies."""
        return next(iter(self.compared.values())).benchmark

    @property
    def evaluations(self) -> dict[str, Evaluation]:
        """The rank statistics for each of `METRICS`."""
        return {metric: each.evaluation for metric, each in self.compared.items()}

    @property
    def differences(self) -> tuple[PairedDifference, ...]:
        """For each of `METRICS`, gradalign_plus and gradalign_ii less the best size."""
        pairs = [
            difference(found, proxy, best_size(found).proxy)
            for proxy in ("gradalign_plus", "gradalign_ii")
            for found in self.evaluations.values()
        ]
        return tuple(pair for pair in pairs if pair is not None)

    @property
    def seconds_a_network(self) -> float:
        """Mean time of the pass that all scores share, of one process with one thread."""
        return float(self.networks.records.drop_duplicates("model")["pass_seconds"].mean())

    @property
    def errors(self) -> list[str]:
        """What could not be measured, one line each; that a score is not defined is a finding."""
        records = self.networks.records
        wrong = records[~records["status"].isin(DEFINED_OR_NOT)]
        return [f"{row.model}, {row.proxy}: {row.reason}" for row in wrong.itertuples()]

    def to_dict(self) -> dict[str, object]:
        """The JSON document `demo`."""
        return {
            "protocols": {name: dict(conditions) for name, conditions in self.protocols.items()},
            "networks": len(self.networks.models),
            "seed": self.seed,
            "seconds": self.seconds,
            "evaluations": [found.to_dict() for found in self.evaluations.values()],
            "differences": [pair.to_dict() for pair in self.differences],
        }


def run(
    networks: int = 300, *, workers: int = 2, seed: int = 0, progress: Progress | None = None
) -> Demo:
    """Score networks drawn from the embedded table, and compare with their accuracies.

    Args:
        networks: How many to draw.
        workers: Number of processes, each with one thread.
        seed: Of the draw of networks, their initialisation and the batch.
        progress: Told about each network that is done.

    Raises:
        InputError: Fewer than 3 networks, or more than the table holds.
    """
    started = time.perf_counter()
    benchmark = get_benchmark("nb201")
    archs = drawn(benchmark, networks, seed)
    results: dict[int, Scores] = {}
    for place, scores in score_in_processes(archs, PLAN, seed=seed, workers=workers):
        results[place] = scores
        if progress is not None:
            progress(len(results), networks)
    joined = Scores.joined(results[place] for place in range(networks))
    records = joined.to_frame()
    return Demo(
        networks=Networks(space=benchmark.space, records=records),
        compared={
            metric: compare(records, benchmark, metric, label=label, seed=seed)
            for metric, label in METRICS.items()
        },
        protocols=joined.protocols,
        seed=seed,
        workers=workers,
        seconds=time.perf_counter() - started,
    )


def drawn(benchmark: Benchmark, networks: int, seed: int) -> list[str]:
    """Architectures of a table, with the prefix of their space, drawn without replacement."""
    if not 3 <= networks <= len(benchmark):
        raise InputError(f"{networks} networks: choose 3 to {len(benchmark):,}")
    archs = random.Random(seed).sample(list(benchmark.frame["arch"]), networks)
    return [f"{benchmark.space}:{arch}" for arch in archs]


def best_size(found: Evaluation) -> Row:
    """The measure of size with the highest tau."""
    return next(row for row in found.rows if is_size(row.proxy))  # by falling tau


def training(found: Evaluation) -> Row:
    """The row of short training."""
    return next(row for row in found.rows if row.cost is not None)
