"""Pages that need nothing from outside: text, sortable tables and charts in one HTML file."""

from gradalign.report._figure import Figure, layout, title
from gradalign.report.axis import AccuracyAxis
from gradalign.report.curves import Curve, Role
from gradalign.report.dots import Dot
from gradalign.report.findings import Findings
from gradalign.report.heat_map import HeatMap
from gradalign.report.page import Page, render
from gradalign.report.part import Part
from gradalign.report.scatter import Scatter
from gradalign.report.section import Picture, Section
from gradalign.report.table import Cell, Column, SortableTable
from gradalign.report.view import Highlight, View

__all__ = [
    "AccuracyAxis",
    "Cell",
    "Column",
    "Curve",
    "Dot",
    "Figure",
    "Findings",
    "HeatMap",
    "Highlight",
    "Page",
    "Part",
    "Picture",
    "Role",
    "Scatter",
    "Section",
    "SortableTable",
    "View",
    "layout",
    "render",
    "title",
]
