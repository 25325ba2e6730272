"""Exact linear regions along a straight line between two inputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradalign.errors import InputError
from gradalign.regions._affine import Affine, PiecewiseLinear

NARROWEST = 1e-12
"""Part of the line below which a region is not told from a point."""

AT_ONCE = 512
"""Regions that are found in one pass."""

PLACE = 0.41421356
"""Where in a stretch its region is asked for: in the middle bends are likelier."""

SAME = 1e-9
"""Relative difference of slopes up to which two neighbouring pieces are one linear map."""


@dataclass(frozen=True)
class LineRegions:
    """The regions that a line from t = 0 to t = 1 crosses.

    Args:
        edges: [R + 1], ascending from 0 to 1, where some unit changes its side.
        slopes: [R, D], derivative of the output by t on each.
    """

    edges: Tensor
    slopes: Tensor

    @property
    def activation_regions(self) -> int:
        """Number of stretches on which no unit changes its side (Hanin & Rolnick 2019)."""
        return len(self.edges) - 1

    @property
    def linear_regions(self) -> int:
        """Number of maximal stretches on which the output is one affine map.

        At most `activation_regions`: a unit that does not reach the output makes no bend.
        """
        scale = self.slopes.abs().amax().clamp_min(torch.finfo(torch.float64).tiny)
        bends = (self.slopes[1:] - self.slopes[:-1]).abs().amax(1) > SAME * scale
        return 1 + int(bends.sum())


def regions_on_line(model: nn.Module, start: Tensor, end: Tensor) -> LineRegions:
    """All regions between two inputs, found by asking each stretch not yet covered in one place.

    The region of a point reaches to where the first unit changes its side, which is exact since all
    units are affine there. What is left on either side is asked next, many stretches at a time.

    Args:
        model: A piecewise linear network; see `gradalign.regions._affine.PiecewiseLinear`.
        start: An input without batch axis, at t = 0.
        end: One of the same shape, at t = 1.

    Raises:
        InputError: Inputs of two shapes.
        UnsupportedError: A network that is not piecewise linear.
    """
    if start.shape != end.shape:
        raise InputError(f"a line from {tuple(start.shape)} to {tuple(end.shape)}: give one shape")
    network = PiecewiseLinear(model, start, [end.double() - start.double()])
    open_stretches = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    found: list[tuple[float, Tensor]] = []
    while len(open_stretches):
        now, later = open_stretches[:AT_ONCE], open_stretches[AT_ONCE:]
        middles = now[:, :1] + PLACE * (now[:, 1:] - now[:, :1])
        affine = network.around(middles)
        left, right = _extent(affine, middles[:, 0])
        left, right = torch.maximum(left, now[:, 0]), torch.minimum(right, now[:, 1])
        network.check(affine, middles, (left + 0.7 * (right - left)).unsqueeze(1))
        wide = right - left > NARROWEST
        found += zip(left[wide].tolist(), affine.output_slopes[wide, :, 0], strict=True)
        rest = torch.cat([torch.stack([now[:, 0], left], 1), torch.stack([right, now[:, 1]], 1)])
        open_stretches = torch.cat([later, rest[rest[:, 1] - rest[:, 0] > NARROWEST]])
    found.sort(key=lambda each: each[0])
    edges = torch.tensor([*(left for left, _ in found), 1.0], dtype=torch.float64)
    return LineRegions(edges, torch.stack([slope for _, slope in found]))


def _extent(affine: Affine, at: Tensor) -> tuple[Tensor, Tensor]:
    """How far the region of each point reaches, [m] each; infinite where no unit ends it."""
    if not affine.units.shape[1]:
        return torch.full_like(at, -torch.inf), torch.full_like(at, torch.inf)
    slopes = affine.unit_slopes[:, :, 0]
    steps = -affine.units / slopes  # [m, U]; no slope gives inf or NaN
    # A unit at 0 counts as off: its region ends here on the side on which it rises.
    ahead = (steps > 0) | ((steps == 0) & (slopes > 0))
    behind = (steps < 0) | ((steps == 0) & (slopes < 0))
    right = torch.where(ahead, steps, torch.inf).amin(1)
    left = torch.where(behind, steps, -torch.inf).amax(1)
    return at + left, at + right
