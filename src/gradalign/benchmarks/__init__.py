"""Tables of trained accuracies: one file each, looked up by name in `BENCHMARKS`."""

from gradalign.benchmarks._base import BENCHMARKS, Benchmark, EarlyStopped, Metric
from gradalign.benchmarks._file import get_benchmark

__all__ = ["BENCHMARKS", "Benchmark", "EarlyStopped", "Metric", "get_benchmark"]
