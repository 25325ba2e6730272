"""The engine: per-sample-gradient statistics of a network from one forward and one backward."""

from gradalign.engine._backends import Backend, Check
from gradalign.engine._collect import OF_THE_PASS, collect, wants_pass
from gradalign.engine._loss import LossFunction, default_loss
from gradalign.engine._weights import Selection

__all__ = [
    "OF_THE_PASS",
    "Backend",
    "Check",
    "LossFunction",
    "Selection",
    "collect",
    "default_loss",
    "wants_pass",
]
