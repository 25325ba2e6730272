"""Scores on several benchmarks side by side, and tables of them for papers."""

from gradalign.comparison.draw import default_metrics, drawn
from gradalign.comparison.evaluating import aggregates_of, evaluated, short_training
from gradalign.comparison.grid import Cell, Grid
from gradalign.comparison.grids import grids
from gradalign.comparison.latex import latex
from gradalign.comparison.markdown import markdown
from gradalign.comparison.pairs import difference, gains, inseparable
from gradalign.comparison.table import Comparison, Line, compare

__all__ = [
    "Cell",
    "Comparison",
    "Grid",
    "Line",
    "aggregates_of",
    "compare",
    "default_metrics",
    "difference",
    "drawn",
    "evaluated",
    "gains",
    "grids",
    "inseparable",
    "latex",
    "markdown",
    "short_training",
]
