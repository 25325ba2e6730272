"""Search under hard budgets: proposals by Optuna, scores without training."""

from gradalign.search.bounds import Bounds
from gradalign.search.result import SearchResult
from gradalign.search.run import search

__all__ = ["Bounds", "SearchResult", "search"]
