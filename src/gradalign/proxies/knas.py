"""KNAS: mean of the gradient Gram matrix."""

from gradalign.proxies._base import Estimate, proxy
from gradalign.proxies._jackknife import jackknifed, total_left_out
from gradalign.statistics import Statistics


@proxy(
    needs=["gram"],
    better="higher",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Xu et al., ICML 2021 (arXiv 2111.13293): MGM, the mean of the gradient kernel",
    unit="squared gradient",
)
def knas(stats: Statistics, /) -> Estimate:
    """Mean of the Gram matrix of per-sample gradients: the squared norm of their mean.

    With g_i the gradient of sample i's loss with respect to the weights of all blocks,

        1/n^2 * sum over i, j of <g_i, g_j> = |g-bar|^2.

    Args:
        stats: One pass. Reads `gram`, [L, n, n], summed over blocks.

    Returns:
        A number >= 0 in loss^2 / weight^2; higher is better. It scales with the square of the loss.
        The standard error is the jackknife's; none for one sample.

    Source:
        Xu et al. 2021, the mean of the Gram matrix. Their code differs: gradients of 50
        mini-batches, the first 100 entries of each of 11 parameters, halves correlated.

    Example:
        >>> import torch
        >>> gram = torch.tensor([[[4.0, 0.0], [0.0, 2.0]]])
        >>> knas(Statistics(n=2, blocks=(), values={"gram": gram})).value
        1.5
    """
    gram = stats.gram.sum(0)  # [n, n]
    # |g-bar|^2 of gradients that cancel may come out as -1e-20.
    return jackknifed(
        gram.sum().clamp_min(0) / stats.n**2,
        total_left_out(gram).clamp_min(0) / (stats.n - 1) ** 2,
    )
