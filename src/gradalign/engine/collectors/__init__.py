"""Statistics that need more than one backward pass, or none of it."""

from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.collectors._watch import looks_on, observation

__all__ = ["COLLECTORS", "Collector", "looks_on", "observation"]
