"""ZiCo: mean against spread of each weight's gradient, over two batches or over samples."""

import torch
from torch import Tensor

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Moments, Statistics, WeightStatistic


def _inverse_variation(mean_abs: Tensor, std: Tensor) -> Tensor:
    """The ratio mean_abs / std; 0 where std is 0: such weights are dropped."""
    return torch.where(std == 0, 0.0, mean_abs / std)


def _per_sample(moments: Moments) -> Tensor:
    return _inverse_variation(moments.abs_sum / moments.n, moments.variance.sqrt())


INVERSE_VARIATION = WeightStatistic(
    "inverse_variation", ("abs_sum", "sum", "square_sum"), _per_sample
)


def _sum_of_logs(sums: Tensor, what: str) -> float:
    """Sum over blocks of log of their sums, [L]; blocks whose sum is 0 are dropped."""
    varying = sums[sums != 0]
    if not len(varying):
        raise UndefinedScore(f"no weight's gradient varies between the {what}")
    return float(varying.log().sum())


@proxy(
    needs=["batch_gradient"],
    better="higher",
    invariant_to={"sample_order", "loss_scale"},
    source="Li et al., ICLR 2023 (arXiv 2301.11300); authors' code, "
    "SLDGroup/ZiCo@b0fec65, compute_zico.py",
    probes={"first": {"part": 0}, "second": {"part": 1}},
    official={"norm": "batch"},
)
def zico(*, first: Statistics, second: Statistics) -> float:
    """Inverse coefficient of variation of the weights' gradients between two batches.

    With g_1k and g_2k the gradients of the mean loss of either batch with respect to weight k, and
    mean and population standard deviation taken over the two,

        sum over blocks b of log( sum over k in b of mean |g_k| / std(g_k) ),

    weights with zero standard deviation, then blocks whose sum is 0, dropped.

    Args:
        first: Pass on one batch. Reads `batch_gradient`, of the summed loss.
        second: Pass on the next batch of the same draw.

    Returns:
        A number without unit; higher is better. It grows with the number of blocks.

    Raises:
        UndefinedScore: If no gradient differs between the batches.

    Source:
        Li et al. 2023 and their code, which runs both batches in train mode: `norm=batch`, which
        the official regime sets. With two batches the standard deviation is |g_1 - g_2| / 2.

    Example:
        >>> one = Statistics(n=1, blocks=(), values={"batch_gradient": (torch.tensor([1.0]),)})
        >>> two = Statistics(n=1, blocks=(), values={"batch_gradient": (torch.tensor([3.0]),)})
        >>> round(zico(first=one, second=two), 6)  # log of mean 2 over standard deviation 1
        0.693147
    """
    sums = []
    for total_1, total_2 in zip(first.batch_gradient, second.batch_gradient, strict=True):
        g_1, g_2 = total_1.double() / first.n, total_2.double() / second.n
        ratios = _inverse_variation((g_1.abs() + g_2.abs()) / 2, (g_1 - g_2).abs() / 2)
        sums.append(float(ratios.sum()))
    return _sum_of_logs(torch.tensor(sums, dtype=torch.float64), "two batches")


@proxy(
    needs=[INVERSE_VARIATION],
    better="higher",
    invariant_to={"sample_order", "loss_scale"},
    source="zico with samples in place of batches: our own",
)
def zico_per_sample(stats: Statistics, /) -> float:
    """Inverse coefficient of variation of the weights' gradients between samples.

    With g_ik the gradient of sample i's loss with respect to weight k, and mean and population
    standard deviation taken over samples,

        sum over blocks b of log( sum over k in b of mean |g_k| / std(g_k) ),

    weights with zero standard deviation, then blocks whose sum is 0, dropped.

    Args:
        stats: One pass. Reads the weight sum of mean |g| / std(g).

    Returns:
        A number without unit; higher is better. It grows with the number of blocks.

    Raises:
        UndefinedScore: If no gradient differs between samples, as with one sample.

    Source:
        Li et al. 2023 (arXiv 2301.11300) for the form; they take two batches, see `zico`.

    Example:
        >>> sums = {"inverse_variation": torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)}
        >>> zico_per_sample(Statistics(n=3, blocks=(), values={"weight_sums": sums}))
        0.0
    """
    return _sum_of_logs(stats.weight_sum(INVERSE_VARIATION), "samples")
