"""Pages that need nothing from outside: text, sortable tables and charts in one HTML file."""

from gradalign.report.chart import Dot, Scatter
from gradalign.report.page import Highlight, Page, render
from gradalign.report.table import Cell, Column, SortableTable

__all__ = [
    "Cell",
    "Column",
    "Dot",
    "Highlight",
    "Page",
    "Scatter",
    "SortableTable",
    "render",
]
