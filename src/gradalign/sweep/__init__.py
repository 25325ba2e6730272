"""Many networks at once: what to measure as data that processes can be sent, and a local pool."""

from gradalign.sweep.plan import Plan
from gradalign.sweep.pool import score_in_processes

__all__ = ["Plan", "score_in_processes"]
