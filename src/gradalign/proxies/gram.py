"""The kernel of the losses' gradients: trace and condition number."""

import torch
from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.proxies._kernel import condition_number
from gradalign.statistics import Statistics


def _terms(stats: Statistics) -> Tensor:
    return stats.squared_norms.sum(1)


@proxy(
    needs=["squared_norms"],
    better="higher",
    oracle="independent code",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Shu et al., NeurIPS 2022 (arXiv 2201.09785): the trace of the kernel, here of the "
    "losses' gradients",
    unit="squared gradient",
    block_terms=_terms,
)
def gram_trace(stats: Statistics, /) -> float:
    """Trace of the Gram matrix of per-sample gradients.

    With g_i the gradient of sample i's loss, the score is

        sum over i of | g_i |^2.

    Args:
        stats: One pass. Reads `squared_norms`, [L, n].

    Returns:
        A number >= 0 in loss^2 / weight^2; higher is better. It grows with the number of samples.

    Source:
        The form of `ntk_trace` on the gradients of losses; Shu et al. 2022 show how scores by
        kernels and by gradients hang together.

    Example:
        >>> squares = torch.tensor([[4.0, 1.0], [2.0, 0.0]], dtype=torch.float64)
        >>> gram_trace(Statistics(n=2, blocks=(), values={"squared_norms": squares}))
        7.0
    """
    return float(_terms(stats).sum())


@proxy(
    needs=["gram"],
    better="lower",
    oracle="naive loop",
    bounds=(1.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="the condition number of Chen et al., ICLR 2021 (TE-NAS), of losses in place of outputs",
)
def gram_cond(stats: Statistics, /) -> float:
    """Condition number of the Gram matrix of per-sample gradients.

    With g_i the gradient of sample i's loss and K_ij = <g_i, g_j>, the score is

        largest eigenvalue of K / smallest eigenvalue of K.

    Args:
        stats: One pass. Reads `gram`, [L, n, n], summed over blocks.

    Returns:
        A number >= 1, without unit; lower is better. It grows with the number of samples. 1 for one
        sample.

    Raises:
        UndefinedScore: If K is singular (status `inf`) or zero. What single precision cannot tell
            from singular counts as such.

    Source:
        The form of `ntk_cond` on the gradients of losses, from the common pass.

    Example:
        >>> gram = torch.tensor([[[4.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
        >>> gram_cond(Statistics(n=2, blocks=(), values={"gram": gram}))
        4.0
    """
    return condition_number(stats.gram.sum(0), torch.float32)
