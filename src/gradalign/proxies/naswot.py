"""NASWOT: how differently the samples switch the ReLU units on and off."""

import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies._activation_code import require_units
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["activation_matches"],
    better="higher",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="Mellor et al., ICML 2021 (arXiv 2006.04647), equation 2; authors' code, "
    "BayesWatch/nas-without-training@b3a82a6, score_networks.py",
    official={"norm": "batch", "batch_size": 128},
    unit="nats",
)
def naswot(stats: Statistics, /) -> float:
    """Log-determinant of the kernel of binary activation codes.

    With c_i the code of sample i (which ReLU units are on), K_ij the number of units that are on,
    or off, for both samples i and j, the score is

        log det K.

    Args:
        stats: One pass. Reads `activation_matches`, [n, n].

    Returns:
        Nats >= 0 (K holds integers); higher is better. It grows with the number of samples, and as
        n times the log of the number of units.

    Raises:
        UndefinedScore: If there is no ReLU (status `unsupported`), or if K is singular, as where
            two samples have the same code (the authors' -inf: status `inf`).

    Source:
        Mellor et al. 2021. Their code uses 128 images in train mode, which the official regime
        sets, and counts the ReLUs that backward reaches.

    Example:
        >>> matches = torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
        >>> values = {"activation_matches": matches, "activation_units": 3}
        >>> round(naswot(Statistics(n=2, blocks=(), values=values)), 6)  # log 8
        2.079442
    """
    require_units(stats)
    eigenvalues = torch.linalg.eigvalsh(stats.activation_matches)  # [n], ascending
    # By a factorisation alone a singular matrix may pass, its last pivot being rounding noise.
    noise = stats.n * torch.finfo(eigenvalues.dtype).eps * eigenvalues[-1]
    if eigenvalues[0] <= noise:
        raise UndefinedScore("the kernel is singular: activation codes repeat", status="inf")
    return float(eigenvalues.log().sum())
