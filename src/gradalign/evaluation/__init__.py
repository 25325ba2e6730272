"""How far scores can be trusted: rank statistics against trained accuracies."""

from gradalign.evaluation.difference import PairedDifference, paired_difference
from gradalign.evaluation.table import Evaluation, Row, evaluate
from gradalign.evaluation.truth import Truth

__all__ = ["Evaluation", "PairedDifference", "Row", "Truth", "evaluate", "paired_difference"]
