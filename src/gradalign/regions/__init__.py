"""Exact linear regions of piecewise linear networks, on lines and on planes through input space."""

from gradalign.regions.line import LineRegions, regions_on_line
from gradalign.regions.plane import Cell, PlaneRegions, regions_on_plane

__all__ = ["Cell", "LineRegions", "PlaneRegions", "regions_on_line", "regions_on_plane"]
