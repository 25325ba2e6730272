"""KNAS: mean of the gradient Gram matrix, and what its authors' code computes."""

import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import Estimate, proxy
from gradalign.proxies._jackknife import jackknifed, total_left_out
from gradalign.statistics import Statistics


@proxy(
    needs=["gram"],
    better="higher",
    published_as="KNAS",
    oracle="independent code",
    disagrees="The authors' code takes a covariance of pieces of the gradients of fifty batches "
    "instead.",
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
        Xu et al. 2021, the mean of the Gram matrix. Their code computes something else,
        which is `knas_official`.

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


BATCHES = 50
TENSORS = 11


@proxy(
    needs=["gradient_starts"],
    better="higher",
    published_as="KNAS",
    oracle="published code",
    disagrees="The paper has the mean of the Gram matrix. With PyTorch before 2.0 the code gives "
    "rounding noise, since its fifty gradients share one buffer.",
    invariant_to={"sample_order"},
    source="authors' code of Xu et al., ICML 2021, Jingjing-NLP/KNAS@5fbb0fe, "
    "exps/NAS-Bench-201/functions.py",
    probes={f"part_{k}": {"part": k, "params": "all"} for k in range(BATCHES)},
    official={"norm": "batch", "batch_size": 1},
    unit="squared gradient",
)
def knas_official(**batches: Statistics) -> float:
    """Covariance of two halves of fifty gradients, on the network's first weights.

    Of the gradient of the mean loss of each of 50 batches, the first 50 entries of each of the
    first 11 parameters that have as many and get a gradient are kept, biases and normalisation
    included. With a_jc entry c in batch j (1 to 25), less its mean over these batches, and b_jc the
    same in batch 25 + j,

        1/2500 * sum over entries c and j of a_jc * b_jc.

    Args:
        batches: Passes on 50 successive batches of one draw, `part_0` to `part_49`. Reads
            `gradient_starts`, of the summed loss.

    Returns:
        A number of either sign in loss^2 / weight^2; higher is better. It is a sum with much
        cancellation: batches are paired by their place alone.

    Raises:
        UndefinedScore: If no gradient reaches a parameter of 50 entries.

    Source:
        The authors' code, where the paper has the mean of the Gram matrix (`knas`). It is shipped
        with a batch size of 1 in train mode: `norm=batch`, both set by the official regime. With
        PyTorch before 2.0 its 50 gradients are one buffer, and the score is rounding noise; this is
        what it computes otherwise. Projections of an attention layer count one by one.

    Example:
        >>> def batch(k):
        ...     starts = torch.full((1, 50), float(k % 25))
        ...     return Statistics(n=1, blocks=(), values={"gradient_starts": starts})
        >>> knas_official(**{f"part_{k}": batch(k) for k in range(50)})  # 50 * (25^3 - 25) / 12
        26.0
    """
    starts = [
        stats.tensor("gradient_starts")[:TENSORS].double() / stats.n for stats in batches.values()
    ]
    entries = torch.stack(starts).flatten(1)  # [50, entries]
    if not bool((entries != 0).any()):
        raise UndefinedScore("no gradient reaches a parameter of 50 entries", "no_gradient")
    first, second = (half - half.mean(0) for half in entries.chunk(2))
    return float((first * second).sum()) / BATCHES**2
