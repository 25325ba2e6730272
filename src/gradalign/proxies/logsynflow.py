"""LogSynFlow: SynFlow with the gradient's logarithm."""

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.proxies._saliency import SYNFLOW_PROBE
from gradalign.statistics import Statistics, WeightStatistic

LOG_SALIENCY = WeightStatistic(
    "log_saliency",
    ("sum", "weight"),
    lambda moments: (moments.weight * (moments.sum + 1).log()).abs(),
)


@proxy(
    needs=[LOG_SALIENCY],
    better="higher",
    published_as="SynFlow",
    oracle="published code",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Cavagnero et al., WACV 2023 (FreeREA, arXiv 2207.05135); authors' code, "
    "NiccoloCavagnero/FreeREA@9c2a726, metrics/synflow.py",
    probes={"stats": SYNFLOW_PROBE},
    unit="weight",
)
def logsynflow(stats: Statistics, /) -> float:
    """Sum over weights of weight times logarithm of the gradient, all made positive.

    With R the sum of the network's outputs for an input of ones, every parameter replaced by its
    absolute value and normalisation removed, the score is

        sum over weights k of | w_k * log( dR/dw_k + 1 ) |.

    The logarithm is of the gradient alone, not of the product.

    Args:
        stats: The pass of `synflow`. Reads the weight sum of |w log(dR/dw + 1)|.

    Returns:
        A number >= 0 in the unit of the weights; higher is better. It grows with the network.

    Raises:
        UndefinedScore: If a gradient is below -1, as where something else than ReLUs and
            convolutions is between a weight and the outputs.

    Source:
        Cavagnero et al. 2023 and their code, whose result is NaN where ours is undefined.

    Example:
        >>> import torch
        >>> sums = {"log_saliency": torch.tensor([3.0, 1.5], dtype=torch.float64)}
        >>> logsynflow(Statistics(n=1, blocks=(), values={"weight_sums": sums}))
        4.5
    """
    total = stats.weight_sum(LOG_SALIENCY).sum()
    if bool(total.isnan()):
        raise UndefinedScore("a gradient is below -1: its logarithm is not a number")
    return float(total)
