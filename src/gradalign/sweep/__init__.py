"""Many networks at once: what to measure as data, a local pool of processes, and sweeps."""

from gradalign.sweep.plan import Plan
from gradalign.sweep.pool import score_in_processes
from gradalign.sweep.process import Limits
from gradalign.sweep.run import Summary, sweep

__all__ = ["Limits", "Plan", "Summary", "score_in_processes", "sweep"]
