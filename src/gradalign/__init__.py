"""Rank neural networks before training them."""

from importlib.metadata import version as _version

from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.errors import (
    ConservationError,
    GradalignError,
    InputError,
    MissingStatisticError,
    UndefinedScore,
    UnknownNameError,
    UnsupportedError,
)
from gradalign.evaluation import evaluate
from gradalign.explanation import Explanation, explain
from gradalign.probe import Probe
from gradalign.rank import rank
from gradalign.ranking import Ranking
from gradalign.record import Score, Scores
from gradalign.score import score
from gradalign.search import SearchResult, search
from gradalign.spaces import get_space
from gradalign.statistics import Statistics

__version__ = _version("gradalign")

__all__ = [
    "Batch",
    "ConservationError",
    "Explanation",
    "GradalignError",
    "InputError",
    "MissingStatisticError",
    "Probe",
    "Ranking",
    "Score",
    "Scores",
    "SearchResult",
    "Statistics",
    "UndefinedScore",
    "UnknownNameError",
    "UnsupportedError",
    "__version__",
    "collect",
    "evaluate",
    "explain",
    "get_space",
    "rank",
    "score",
    "search",
]
