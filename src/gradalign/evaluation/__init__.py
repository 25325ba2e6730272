"""How far scores can be trusted: rank statistics against trained accuracies."""

from gradalign.evaluation.ceiling import NoiseCeiling
from gradalign.evaluation.difference import PairedDifference, paired_difference
from gradalign.evaluation.row import Row
from gradalign.evaluation.selection import Selected
from gradalign.evaluation.table import Evaluation, evaluate
from gradalign.evaluation.truth import Truth

__all__ = [
    "Evaluation",
    "NoiseCeiling",
    "PairedDifference",
    "Row",
    "Selected",
    "Truth",
    "evaluate",
    "paired_difference",
]
