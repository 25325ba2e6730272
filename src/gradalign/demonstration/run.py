"""The main job on embedded data: rank real networks, and compare with their trained accuracies."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from gradalign.aggregates import AGGREGATES
from gradalign.benchmarks import Benchmark, get_benchmark
from gradalign.errors import InputError
from gradalign.evaluation import Evaluation, PairedDifference, evaluate, paired_difference
from gradalign.proxies import PROXIES
from gradalign.proxies._base import Direction
from gradalign.record import Scores
from gradalign.sweep import Plan, score_in_processes

METRICS: Mapping[str, str] = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "imagenet16-120": "ImageNet16-120",
}
"""Columns of the embedded table that the scores are compared with, and how they are written."""

SIZES = ("params", "macs", "layers")

TRAINING = "12 epochs of training"

GROUPS: Mapping[str, tuple[str, ...]] = {
    "GradAlign": (
        "gradalign_plus",
        "gradalign_i",
        "gradalign_i_mean",
        "gradalign_ii",
        "gradalign_ii_macs",
        "gradient_effective_rank",
        "conflict_fraction",
        "feature_entropy",
        "gradient_entropy",
    ),
    "rank aggregates": tuple(AGGREGATES),
    "other methods": ("gradsign", "zico_per_sample", "naswot", "knas"),
    "size alone": SIZES,
    "ablations": ("gradalign_plus_ablation", "live_layers"),
    "training": (TRAINING,),
}
"""Rows of the table: all that one shared pass gives, and what it has to be better than."""

PLAN = Plan(
    proxies=tuple(name for names in GROUPS.values() for name in names if name in PROXIES),
    data="digits",
    batch_size=16,
    input_size=(3, 16, 16),
    device="cpu",
)

DEFINED_OR_NOT = ("ok", "no_gradient", "nan", "inf")
"""Statuses of a measurement that was made."""

Progress = Callable[[int, int], None]
"""Called with the number of networks done and that of all."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What the demo found.

    Args:
        benchmark: The table of trained accuracies.
        archs: The networks, as the table spells them.
        scores: One row a record, the aggregates among them.
        evaluations: The rank statistics for each of `METRICS`.
        differences: For each of `METRICS`, gradalign_plus and gradalign_ii less the best size.
        protocols: The conditions behind each protocol hash.
        seed: Of the draw of networks, their initialisation and the batch.
        workers: Number of processes.
        seconds: Of the whole run.
    """

    benchmark: Benchmark
    archs: tuple[str, ...]
    scores: pd.DataFrame
    evaluations: Mapping[str, Evaluation]
    differences: tuple[PairedDifference, ...]
    protocols: Mapping[str, Mapping[str, object]]
    seed: int
    workers: int
    seconds: float

    @property
    def seconds_a_network(self) -> float:
        """Mean time of the pass that all scores share, of one process with one thread."""
        return float(self.scores.drop_duplicates("model")["pass_seconds"].mean())

    @property
    def errors(self) -> list[str]:
        """What could not be measured, one line each; that a score is not defined is a finding."""
        wrong = self.scores[~self.scores["status"].isin(DEFINED_OR_NOT)]
        return [f"{row.model}, {row.proxy}: {row.reason}" for row in wrong.itertuples()]

    def to_dict(self) -> dict[str, object]:
        """The JSON document `demo`."""
        return {
            "protocols": {name: dict(conditions) for name, conditions in self.protocols.items()},
            "networks": len(self.archs),
            "seed": self.seed,
            "seconds": self.seconds,
            "evaluations": [found.to_dict() for found in self.evaluations.values()],
            "differences": [difference.to_dict() for difference in self.differences],
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
    frame = _frame(joined, archs)
    evaluations = {metric: _evaluated(frame, benchmark, metric, seed) for metric in METRICS}
    return Demo(
        benchmark=benchmark,
        archs=tuple(archs),
        scores=frame,
        evaluations=evaluations,
        differences=tuple(_differences(frame, benchmark, evaluations, seed)),
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


def _frame(scores: Scores, archs: list[str]) -> pd.DataFrame:
    """The records, the aggregates as further ones; `seconds` with the pass."""
    frame = scores.to_frame()
    frame["seconds"] += frame["pass_seconds"]
    parts = [frame]
    for name, aggregate in AGGREGATES.items():
        members = [frame[frame["proxy"] == member] for member in aggregate.members]
        values = {str(own["proxy"].iloc[0]): own["value"].tolist() for own in members}
        combined = aggregate.aggregate(values, _directions())
        seconds = sum(own["seconds"].to_numpy() for own in members)
        shared = members[0]["pass_seconds"].to_numpy()
        parts.append(
            pd.DataFrame(
                {
                    "model": archs,
                    "proxy": name,
                    "value": combined,
                    "status": "ok",
                    "seconds": seconds - shared * (len(members) - 1),
                    "pass_seconds": shared,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _directions() -> dict[str, Direction]:
    return {name: proxy.better for name, proxy in PROXIES.items()}


def _training(benchmark: Benchmark, metric: str) -> dict[str, tuple[str, str]]:
    short = benchmark.early_stopped[metric]
    return {TRAINING: (short.metric, f"{short.epochs} of {short.full_epochs} epochs")}


def _evaluated(frame: pd.DataFrame, benchmark: Benchmark, metric: str, seed: int) -> Evaluation:
    return evaluate(
        frame,
        benchmark,
        metric,
        directions=_directions(),
        early_stopped=_training(benchmark, metric),
        seed=seed,
    )


def _differences(
    frame: pd.DataFrame, benchmark: Benchmark, evaluations: Mapping[str, Evaluation], seed: int
) -> Iterator[PairedDifference]:
    for proxy in ("gradalign_plus", "gradalign_ii"):
        for metric, found in evaluations.items():
            best = next(row.proxy for row in found.rows if row.proxy in SIZES)  # by falling tau
            yield paired_difference(
                frame, benchmark, metric, proxy, best, directions=_directions(), seed=seed
            )
