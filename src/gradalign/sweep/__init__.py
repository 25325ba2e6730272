"""Many networks at once: what to measure as data, a local pool of processes, and sweeps."""

from gradalign.sweep.executor import Executor
from gradalign.sweep.plan import Plan
from gradalign.sweep.pool import LocalPool, score_in_processes
from gradalign.sweep.process import Limits
from gradalign.sweep.run import sweep
from gradalign.sweep.shard import Shard
from gradalign.sweep.summary import Summary

__all__ = [
    "Executor",
    "Limits",
    "LocalPool",
    "Plan",
    "Shard",
    "Summary",
    "score_in_processes",
    "sweep",
]
