"""Norm of the weights: a size, whatever the data."""

import torch
from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


def _norms(stats: Statistics) -> Tensor:
    norms = [float(weight.double().norm()) for weight in stats.weights]
    return torch.tensor(norms, dtype=torch.float64)


@proxy(
    needs=["weights"],
    better="higher",
    oracle="published code",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="Abdelfattah et al., ICLR 2021; code, SamsungLabs/zero-cost-nas@a43bfbc, "
    "measures/l2_norm.py",
    unit="weight",
    block_terms=_norms,
)
def l2_norm(stats: Statistics, /) -> float:
    """Sum over blocks of the norm of the weights.

    With w^b the weights of block b,

        sum over b of | w^b |.

    Args:
        stats: Any conditions. Reads `weights`.

    Returns:
        A number >= 0 in the unit of the weights; higher is better. At initialization it is a
        function of the layers' sizes alone, but for chance.

    Source:
        The code of Abdelfattah et al. 2021: convolutions and linear layers.

    Example:
        >>> import torch
        >>> weights = (torch.tensor([3.0, 4.0]), torch.tensor([2.0]))
        >>> l2_norm(Statistics(n=1, blocks=(), values={"weights": weights}))
        7.0
    """
    return float(_norms(stats).sum())
