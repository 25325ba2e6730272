"""How evenly the gradient is spread over the layers."""

from gradalign.errors import UndefinedScore
from gradalign.proxies import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["squared_norms"],
    better="higher",
    oracle="naive loop",
    bounds=(0.0, 1.0),
    invariant_to={"sample_order", "loss_scale"},
    source="this example",
)
def gradient_balance(stats: Statistics, /) -> float:
    """Share of the squared gradients outside the block that has most of them.

    With q_b the sum over samples of the squared norm of their gradients in block b,

        1 - max over b of q_b / sum over b of q_b.

    Args:
        stats: One pass. Reads `squared_norms`, [L, n].

    Returns:
        A number in [0, 1], without unit; higher is better.

    Raises:
        UndefinedScore: If there is no gradient.

    Source:
        This example.

    Example:
        >>> import torch
        >>> norms = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
        >>> gradient_balance(Statistics(n=2, blocks=(), values={"squared_norms": norms}))
        0.25
    """
    sums = stats.squared_norms.sum(1)
    if not bool(sums.any()):
        raise UndefinedScore("no gradient reaches the weights", "no_gradient")
    return float(1 - sums.max() / sums.sum())
