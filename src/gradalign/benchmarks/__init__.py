"""Tables of trained accuracies: one file each, looked up by name in `BENCHMARKS`."""

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, EarlyStopped, Metric
from gradalign.benchmarks._file import get_benchmark
from gradalign.benchmarks._lookup import look_up

__all__ = ["BENCHMARKS", "Benchmark", "EarlyStopped", "Metric", "get_benchmark", "look_up"]
