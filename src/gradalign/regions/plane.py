"""Exact linear regions on a square that lies in input space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradalign.errors import InputError, UnsupportedError
from gradalign.regions._affine import Affine, PiecewiseLinear

STEP = 1e-7
"""How far across an edge the next region is looked for, in sides of the square."""

ON_EDGE = 1e-12
"""Area below which a polygon is none, and distance below which a corner lies on a line."""

AT_ONCE = 256
"""Regions that are found in one pass."""

MOST = 100_000
"""Regions after which the count is given up."""

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True)
class Cell:
    """One activation region.

    Args:
        corners: [c, 2], in order around it, in coordinates of the square.
        slopes: [D, 2], derivatives of the output by the two coordinates.
    """

    corners: Tensor
    slopes: Tensor

    @property
    def area(self) -> float:
        """Share of the square."""
        x, y = self.corners[:, 0], self.corners[:, 1]
        return float((x * y.roll(-1) - x.roll(-1) * y).sum().abs() / 2)


@dataclass(frozen=True)
class PlaneRegions:
    """The activation regions that a square meets."""

    cells: tuple[Cell, ...]

    @property
    def activation_regions(self) -> int:
        """Their number."""
        return len(self.cells)


def regions_on_plane(
    model: nn.Module, origin: Tensor, first: Tensor, second: Tensor, *, most: int = MOST
) -> PlaneRegions:
    """All activation regions on the square origin + s (first - origin) + t (second - origin).

    A region is the polygon that its units leave of the square (0 <= s, t <= 1); from each of its
    edges the walk goes on to the region on the other side.

    Args:
        model: A piecewise linear network; see `gradalign.regions._affine.PiecewiseLinear`.
        origin: An input without batch axis: the corner (0, 0).
        first: The corner (1, 0).
        second: The corner (0, 1).
        most: Regions after which it stops.

    Raises:
        InputError: Inputs of different shapes.
        UnsupportedError: A network that is not piecewise linear, or more than `most` regions.
    """
    if not origin.shape == first.shape == second.shape:
        raise InputError("three corners of a square: give inputs of one shape")
    base = origin.double()
    network = PiecewiseLinear(model, origin, [first.double() - base, second.double() - base])
    waiting = [(0.41421356, 0.57721566)]  # no corner, no middle: on no symmetric network's edges
    known: set[bytes] = set()
    cells: list[Cell] = []
    while waiting:
        now, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
        points = torch.tensor(now, dtype=torch.float64)
        affine = network.around(points)
        inside = points.clone()
        for k in range(len(points)):
            code = affine.code(k)
            if code in known:
                continue
            known.add(code)
            corners = _polygon(affine, k, points[k])
            if len(corners) < 3:
                continue
            inside[k] = corners.mean(0)
            cells.append(Cell(corners, affine.output_slopes[k]))
            waiting += _across(corners)
        network.check(affine, points, inside)
        if len(cells) > most:
            raise UnsupportedError(f"more than {most:,} regions: take a smaller square or network")
    return PlaneRegions(tuple(cells))


def _polygon(affine: Affine, k: int, point: Tensor) -> Tensor:
    """The part of the square in which no unit leaves its side, [c, 2]."""
    slopes = affine.unit_slopes[k]  # [U, 2]
    sides = torch.where(affine.on[k], 1.0, -1.0).double()
    offsets = affine.units[k] - slopes @ point
    normals, offsets = slopes * sides[:, None], offsets * sides  # inside: normals x + offset >= 0
    lengths = torch.linalg.vector_norm(normals, dim=1)
    kept = lengths > 0
    normals, offsets = normals[kept] / lengths[kept, None], offsets[kept] / lengths[kept]
    corners = torch.tensor(SQUARE, dtype=torch.float64)
    while len(corners) >= 3 and len(normals):
        worst, unit = (corners @ normals.T + offsets).amin(0).min(0)
        if float(worst) >= -ON_EDGE:
            break
        corners = _clipped(corners, normals[unit], offsets[unit])
    return corners


def _clipped(corners: Tensor, normal: Tensor, offset: Tensor) -> Tensor:
    """The part of a convex polygon where normal x + offset >= 0."""
    values = (corners @ normal + offset).tolist()
    found: list[Tensor] = []
    for k, value in enumerate(values):
        after = values[(k + 1) % len(values)]
        a, b = corners[k], corners[(k + 1) % len(values)]
        if value >= 0:
            found.append(a)
        if (value >= 0) != (after >= 0):
            found.append(a + value / (value - after) * (b - a))
    return torch.stack(found) if found else corners[:0]


def _across(corners: Tensor) -> list[tuple[float, float]]:
    """A point on the other side of each edge, where that is in the square."""
    ends = corners.roll(-1, 0)
    along = ends - corners
    lengths = torch.linalg.vector_norm(along, dim=1)
    outward = torch.stack([along[:, 1], -along[:, 0]], 1) / lengths[:, None].clamp_min(ON_EDGE)
    points = (corners + ends) / 2 + STEP * outward  # corners run counter-clockwise
    inside = ((points > 0) & (points < 1)).all(1) & (lengths > ON_EDGE)
    return [(float(x), float(y)) for x, y in points[inside]]
