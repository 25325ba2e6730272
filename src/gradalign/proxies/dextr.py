"""Dextr: how evenly feature maps fill their directions, and how the network bends a circle."""

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["output_conditions", "curve_derivatives"],
    better="higher",
    oracle="naive loop",
    disagrees="A second copy in the authors' repository sums the outputs before it "
    "differentiates: its curvature is rounding noise.",
    bounds=(0.0, float("inf")),
    invariant_to={"loss_scale"},
    source="Asthana et al., TMLR 2025; authors' code, rohanasthana/Dextr@e60d535, "
    "AutoFormer/lib/training_free/indicators/dextr.py, with get_extrinsic_curvature",
    official={"norm": "batch"},
)
def dextr(stats: Statistics, /) -> float:
    """Conditioning of feature maps and extrinsic curvature, combined harmonically.

    With r_m the smallest over the largest singular value of what module m puts out for the first
    sample (axis 1 against all later axes, not centred), and v and a the first and second derivative
    of the output while the input runs along a random circle,

        A = log( 1 + sum over modules m of r_m ),
        B = log( 1 + sqrt( <v, v> <a, a> - <v, a>^2 ) / <v, v>^(3/2) ),

    the score is A B / (A + B). Modules are counted as in `meco`: every call, containers too.

    Args:
        stats: One pass. Reads `output_conditions`, [M], and `curve_derivatives`, [2, outputs].

    Returns:
        A number >= 0, without unit; higher is better. It depends on the circle drawn, which is
        fixed by the seed of the measurement.

    Raises:
        UndefinedScore: If the output does not move along the circle, or both parts are 0.

    Source:
        Asthana et al. 2025. Their code takes the circle at one point, in train mode with a batch of
        that point alone: `norm=batch`, which the official regime sets. A second copy in it sums the
        outputs before it differentiates, so that its curvature is zero but for rounding.

    Example:
        >>> import torch
        >>> derivatives = torch.tensor([[1.0, 0.0], [0.0, 1.0]])  # a circle of radius 1
        >>> values = {"output_conditions": torch.tensor([0.75, 0.25])}
        >>> values["curve_derivatives"] = derivatives
        >>> round(dextr(Statistics(n=8, blocks=(), values=values)), 6)  # log 2 / 2
        0.346574
    """
    v, a = stats.tensor("curve_derivatives").double().unbind(0)
    speed = v @ v
    if not float(speed) > 0:
        raise UndefinedScore("the output does not move while the input runs along a circle")
    along = (v @ a) / speed
    # |a less its part along v| / <v, v>: the formula above without its cancellation.
    curvature = (a - along * v).norm() / speed
    evenness = stats.tensor("output_conditions").double().sum().log1p()
    bend = curvature.log1p()
    if not float(evenness + bend) > 0:
        raise UndefinedScore("no feature map fills its directions, and the network bends nothing")
    return float(evenness * bend / (evenness + bend))
