"""NEAR: effective ranks of what layers and activation functions put out."""

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["output_ranks"],
    better="higher",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to={"loss_scale"},
    source="Husistein et al., ICLR 2025 (arXiv 2408.08776); authors' code, "
    "ReiherGroup/NEAR@4d5d7f1, near_score.py",
    official={"norm": "batch"},
)
def near(stats: Statistics, /) -> float:
    """Sum of the effective ranks of pre- and post-activation matrices.

    With s the singular values, scaled to sum 1, of the output of module m written as rows (samples
    and positions) of channels, cut to as many rows as channels, the score is

        sum over modules m of exp( - sum s log s ),

    over the calls of modules that have a `weight` (normalisation too) and of activation functions.

    Args:
        stats: One pass. Reads `output_ranks`, [M].

    Returns:
        A number in [0, sum of channels], without unit; higher is better. It grows with width and
        with the number of layers.

    Raises:
        UndefinedScore: If the network has no such module.

    Source:
        Husistein et al. 2025. Their code goes on through batches until there are as many rows as
        channels and cuts at a random place; here the first rows of one batch are taken, fewer where
        it has fewer, so a linear layer counts for no more than the samples. Theirs stops at 3-d
        outputs (tokens), which have their channels on the last axis here.

    Example:
        >>> import torch
        >>> values = {"output_ranks": torch.tensor([4.0, 2.5])}
        >>> near(Statistics(n=8, blocks=(), values=values))
        6.5
    """
    ranks = stats.tensor("output_ranks")
    if not len(ranks):
        raise UndefinedScore("the network has no layer and no activation module", "unsupported")
    return float(ranks.sum())
