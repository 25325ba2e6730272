"""Networks of three spaces, really trained on handwritten digits; made by this package."""

from functools import partial

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, Metric
from gradalign.benchmarks._embedded import embedded_table

FILE = "digits.parquet"
CHECKSUM = "53912329f0f279a4311d5cd7bdbd6cb6eb3aa17e97b8d2455951bb5366de8ffd"

SEEDS = 5
SPLIT = "trained on 512 digits of 16x16 pixels, the other 1,280 for the test"


def _steps(level: str) -> Metric:
    return Metric(
        name=f"steps_to_{level}",
        description=f"steps until the mean loss of 8 of them is at most {level}; one more than "
        "there are where it never is",
        split="the samples of the steps",
        epochs=6,
        seeds=str(SEEDS),
        better="lower",
    )


METRICS = (
    Metric(
        name="test_accuracy",
        description="test accuracy on digits after 6 epochs, percent",
        split=SPLIT,
        epochs=6,
        seeds=str(SEEDS),
        runs=tuple(f"test_accuracy_{seed}" for seed in range(SEEDS)),
    ),
    Metric(
        name="train_accuracy",
        description="accuracy on the training samples after 6 epochs, percent",
        split="trained on 512 digits of 16x16 pixels, the same ones",
        epochs=6,
        seeds=str(SEEDS),
    ),
    _steps("1.5"),
    _steps("1"),
    _steps("0.5"),
    Metric(
        name="diverged",
        description=f"trainings of {SEEDS} whose loss was no longer finite",
        split=SPLIT,
        epochs=6,
        better="lower",
    ),
)

BENCHMARKS.add(
    "digits",
    Benchmark(
        name="digits",
        space=None,
        metrics={metric.name: metric for metric in METRICS},
        load=partial(embedded_table, FILE, CHECKSUM),
        description="40 small networks of each of nb201, mlp and macro, trained on digits; each is "
        "named with its space",
        source="made by this package: scripts/embed_digits.py",
        licence="that of this package",
        embedded=True,
    ),
)
