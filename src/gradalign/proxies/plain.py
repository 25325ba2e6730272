"""Plain saliency: weight times gradient, with its sign."""

from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics, WeightStatistic

SIGNED_SALIENCY = WeightStatistic(
    "signed_saliency", ("sum", "weight"), lambda moments: moments.weight * moments.sum
)


def _terms(stats: Statistics) -> Tensor:
    return stats.weight_sum(SIGNED_SALIENCY) / stats.n


@proxy(
    needs=[SIGNED_SALIENCY],
    better="higher",
    oracle="published code",
    invariant_to={"sample_order"},
    source="Mozer & Smolensky, NeurIPS 1988 (skeletonization), as `plain` in Abdelfattah et al., "
    "ICLR 2021; code, SamsungLabs/zero-cost-nas@a43bfbc, measures/plain.py",
    official={"norm": "batch", "batch_size": 64},
    unit="loss",
    block_terms=_terms,
)
def plain(stats: Statistics, /) -> float:
    """Sum over weights of the weight times its mini-batch gradient.

    With g the gradient of the mean loss of the batch, the score is

        sum over weights k of w_k * g_k.

    Args:
        stats: One pass. Reads the weight sum of w_k sum_i g_ik, of the summed loss.

    Returns:
        A number of either sign in the unit of the loss; higher is better, as the code has it. It is
        a sum with much cancellation: two draws of a batch may disagree, and below a normalisation
        a layer's own sum is zero in theory.

    Source:
        The code of Abdelfattah et al. 2021, in train mode: `norm=batch`, which the official regime
        sets. On the published tables its rank correlation with accuracy is negative.

    Example:
        >>> import torch
        >>> sums = {"signed_saliency": torch.tensor([3.0, -1.5], dtype=torch.float64)}
        >>> plain(Statistics(n=3, blocks=(), values={"weight_sums": sums}))
        0.5
    """
    return float(_terms(stats).sum())
