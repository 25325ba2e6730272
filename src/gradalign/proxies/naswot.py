"""NASWOT: how differently the samples switch the ReLU units on and off."""

from gradalign.proxies._activation_code import log_determinant
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["activation_matches"],
    better="higher",
    published_as="NASWOT",
    oracle="published code",
    disagrees="The codes of NASLib, FreeREA and Zen-NAS count every ReLU, also where backward "
    "does not reach; alethiometer has eval mode, or the outputs of convolutions and linear "
    "layers.",
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
        stats: One pass. Reads `activation_matches`, [n, n], of the ReLUs (ReLU6 included).

    Returns:
        Nats >= 0 (K holds integers); higher is better. It grows with the number of samples, and as
        n times the log of the number of units.

    Raises:
        UndefinedScore: If there is no ReLU (status `unsupported`), or if K is singular, as where
            two samples have the same code (the authors' -inf: status `inf`).

    Source:
        Mellor et al. 2021. Their code uses 128 images in train mode, which the official regime
        sets, and counts the ReLUs that backward reaches; `nwot` counts all.

    Example:
        >>> import torch
        >>> matches = torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
        >>> values = {"activation_matches": matches, "activation_units": 3}
        >>> round(naswot(Statistics(n=2, blocks=(), values=values)), 6)  # log 8
        2.079442
    """
    return log_determinant(stats.activation_matches, "ReLU")
