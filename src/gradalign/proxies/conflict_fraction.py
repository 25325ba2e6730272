"""Conflict fraction: how many pairs of samples ask for opposite changes of the weights."""

from gradalign.errors import UndefinedScore
from gradalign.linalg import opposed
from gradalign.proxies._base import Estimate, proxy
from gradalign.proxies._jackknife import jackknifed, total_left_out
from gradalign.statistics import Statistics


@proxy(
    needs=["gram"],
    better="lower",
    oracle="independent code",
    bounds=(0.0, 1.0),
    invariant_to={"sample_order", "loss_scale"},
    source="pairwise gradient conflict <g_i, g_j> < 0 (Yu et al., NeurIPS 2020, definition 1), "
    "counted over the pairs of a batch",
    kind="gradalign",
    unit="share of pairs",
)
def conflict_fraction(stats: Statistics, /) -> Estimate:
    """Share of sample pairs whose gradients point against each other.

    With g_i the gradient of sample i's loss with respect to the weights of all blocks, the score is

        2 / (n (n - 1)) * #{ i < j : <g_i, g_j> < 0 }.

    A pair with a zero gradient, or with orthogonal ones, is no conflict.

    Args:
        stats: One pass on n >= 2 samples. Reads `gram`, [L, n, n], summed over blocks.

    Returns:
        A share in [0, 1]; lower is better. The standard error is the jackknife's; none for two
        samples, where leaving out one leaves no pair.

    Raises:
        UndefinedScore: For one sample, which forms no pair.

    Source:
        The condition is the first of Yu et al. 2020 ("gradient surgery"), stated there for tasks.

    Example:
        >>> import torch
        >>> gram = torch.tensor([[[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]])
        >>> round(conflict_fraction(Statistics(n=3, blocks=(), values={"gram": gram})).value, 4)
        0.3333
    """
    n = stats.n
    if n < 2:
        raise UndefinedScore(f"conflict_fraction needs at least 2 samples, found {n}")
    gram = stats.gram.sum(0)  # [n, n]
    conflicts = opposed(gram)  # [n, n], the diagonal is 0
    return jackknifed(
        conflicts.sum() / (n * (n - 1)), total_left_out(conflicts) / ((n - 1) * (n - 2))
    )
