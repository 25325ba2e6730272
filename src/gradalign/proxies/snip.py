"""SNIP: how much the loss depends on each weight being there."""

from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.proxies._saliency import SALIENCY
from gradalign.statistics import Statistics


def _terms(stats: Statistics) -> Tensor:
    return stats.weight_sum(SALIENCY) / stats.n


@proxy(
    needs=[SALIENCY],
    better="higher",
    oracle="published code",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Lee et al., ICLR 2019 (arXiv 1810.02340), equation 5, as a score in Abdelfattah et "
    "al., ICLR 2021; code, SamsungLabs/zero-cost-nas@a43bfbc, measures/snip.py",
    official={"norm": "batch", "batch_size": 64},
    unit="loss",
    block_terms=_terms,
)
def snip(stats: Statistics, /) -> float:
    """Sum over weights of the absolute weight times its mini-batch gradient.

    With g the gradient of the mean loss of the batch, the score is

        sum over weights k of | w_k * g_k |:

    to first order, what the loss changes when a weight is taken away.

    Args:
        stats: One pass. Reads the weight sum of |w_k sum_i g_ik|, of the summed loss.

    Returns:
        A number >= 0 in the unit of the loss; higher is better. It grows with the network.

    Source:
        Lee et al. 2019 prune weights by it; the sum is that of Abdelfattah et al. 2021, whose code
        uses train mode: `norm=batch`, which the official regime sets.

    Example:
        >>> import torch
        >>> sums = {"saliency": torch.tensor([3.0, 1.5], dtype=torch.float64)}
        >>> snip(Statistics(n=3, blocks=(), values={"weight_sums": sums}))
        1.5
    """
    return float(_terms(stats).sum())
