"""Gradient angle: the unpublished precursor of GradAlign-I."""

from gradalign.linalg import cosine
from gradalign.proxies._base import Estimate, proxy
from gradalign.proxies._jackknife import jackknifed, total_left_out
from gradalign.statistics import Statistics


@proxy(
    needs=["gram"],
    better="higher",
    oracle="published code",
    bounds=(0.0, 1.0),
    invariant_to={"sample_order", "loss_scale"},
    source="authors' code of GradSign, cmu-catalyst/GradSign@26412be, measures/grad_angle.py; "
    "in no paper",
    official={"norm": "sample"},
)
def grad_angle(stats: Statistics, /) -> Estimate:
    """Mean cosine of unit per-sample gradients with their mean.

    With u_i = g_i / |g_i| over the weights of all blocks (0 where g_i is 0) and u-bar their mean,

        1/n * sum over i of cos(u_i, u-bar) = |u-bar| = sqrt( mean of all n^2 cosines ),

    which holds where no g_i is 0 and is the definition here where some are. It is the precursor of
    `gradalign_i`, which takes the raw mean direction and weighs by size.

    Args:
        stats: One pass. Reads `gram`, [L, n, n], summed over blocks.

    Returns:
        A cosine in [0, 1]; higher is better. 1: all samples pull the same way. The standard error
        is the jackknife's; none for one sample.

    Source:
        The GradSign authors' code. It runs every image on its own in train mode: `norm=sample`,
        which the official regime sets. A zero gradient is NaN there and counts as 0 here.

    Example:
        >>> import torch
        >>> gram = torch.eye(4, dtype=torch.float64).unsqueeze(0)
        >>> grad_angle(Statistics(n=4, blocks=(), values={"gram": gram})).value
        0.5
    """
    cosines = cosine(stats.gram.sum(0))  # [n, n]
    # Unit vectors that cancel leave a sum of rounding noise, which may be negative.
    return jackknifed(
        cosines.sum().clamp_min(0).sqrt() / stats.n,
        total_left_out(cosines).clamp_min(0).sqrt() / (stats.n - 1),
    )
