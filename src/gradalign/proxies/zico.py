"""ZiCo: mean against spread of each weight's gradient, over batches or over samples."""

from collections.abc import Sequence

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


def _mean_gradients(stats: Statistics) -> tuple[Tensor, ...]:
    """Gradient of the mean loss of a batch, a block."""
    return tuple(total.double() / stats.n for total in stats.batch_gradient)


def _over_batches(gradients: Sequence[Sequence[Tensor]]) -> float:
    """ZiCo of the gradients of several batches, for each batch one tensor a block."""
    sums = []
    for of_block in zip(*gradients, strict=True):
        rows = torch.stack(of_block)  # [batches, *shape]
        ratios = _inverse_variation(rows.abs().mean(0), rows.std(0, correction=0))
        sums.append(float(ratios.sum()))
    return _sum_of_logs(torch.tensor(sums, dtype=torch.float64), "batches")


@proxy(
    needs=["batch_gradient"],
    better="higher",
    published_as="ZiCo",
    oracle="published code",
    disagrees="The port in MeCo does not set gradients to zero between the batches; that in "
    "alethiometer gives 0 on a CPU, since its gradients share one buffer.",
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
    return _over_batches([_mean_gradients(first), _mean_gradients(second)])


@proxy(
    needs=["batch_gradient"],
    better="higher",
    published_as="ZiCo",
    oracle="published code",
    invariant_to={"sample_order", "loss_scale"},
    source="Li et al., ICLR 2023 (arXiv 2301.11300); authors' code, "
    "SLDGroup/ZiCo@b0fec65, compute_zico.py, which takes a list of batches",
    probes={f"part_{k}": {"part": k} for k in range(4)},
    official={"norm": "batch"},
)
def zico_four(**batches: Statistics) -> float:
    """Inverse coefficient of variation of the weights' gradients over four batches.

    With g_jk the gradient of the mean loss of batch j with respect to weight k, and mean and
    population standard deviation taken over the four,

        sum over blocks b of log( sum over k in b of mean |g_k| / std(g_k) ),

    weights with zero standard deviation, then blocks whose sum is 0, dropped.

    Args:
        batches: Passes on four successive batches of one draw, `part_0` to `part_3`. Reads
            `batch_gradient`, of the summed loss.

    Returns:
        A number without unit; higher is better. It grows with the number of blocks.

    Raises:
        UndefinedScore: If no gradient differs between the batches.

    Source:
        Li et al. 2023: their code takes any number of batches, their experiments two (`zico`). A
        standard deviation over two numbers is half their distance, and one weight whose gradients
        nearly coincide can supply most of a block's sum; four make that rare.

    Example:
        >>> def batch(g):
        ...     return Statistics(n=1, blocks=(), values={"batch_gradient": (torch.tensor([g]),)})
        >>> passes = {f"part_{k}": batch(g) for k, g in enumerate([1.0, 1.0, 3.0, 3.0])}
        >>> round(zico_four(**passes), 6)  # log of mean 2 over standard deviation 1
        0.693147
    """
    return _over_batches([_mean_gradients(stats) for stats in batches.values()])


@proxy(
    needs=["batch_gradient"],
    better="higher",
    published_as="ZiCo",
    oracle="published code",
    disagrees="The authors' code and the port in AZ-NAS set gradients to zero between the batches.",
    invariant_to={"sample_order", "loss_scale"},
    source="port of ZiCo in HamsterMimi/MeCo@0d830dd, foresight/pruners/measures/zico.py",
    probes={"first": {"part": 0}, "second": {"part": 1}},
    official={"norm": "batch"},
)
def zico_meco(*, first: Statistics, second: Statistics) -> float:
    """ZiCo as MeCo's code has it: the second gradient is added to the first.

    With g_1k and g_2k the gradients of the mean loss of either batch with respect to weight k, the
    score is that of `zico` for the pair g_1k and g_1k + g_2k: the standard deviation is |g_2k| / 2,

        sum over blocks b of log( sum over k in b of ( |g_1k| + |g_1k + g_2k| ) / |g_2k| ),

    weights with g_2k = 0, then blocks whose sum is 0, dropped.

    Args:
        first: Pass on one batch. Reads `batch_gradient`, of the summed loss.
        second: Pass on the next batch of the same draw.

    Returns:
        A number without unit; higher is better. It grows with the number of blocks.

    Raises:
        UndefinedScore: If the second batch has no gradient.

    Source:
        The code that goes with MeCo (Jiang et al., NeurIPS 2023) does not set gradients to zero
        between the halves of its batch, so its column `zico` is this. Train mode: `norm=batch`,
        which the official regime sets.

    Example:
        >>> one = Statistics(n=1, blocks=(), values={"batch_gradient": (torch.tensor([1.0]),)})
        >>> two = Statistics(n=1, blocks=(), values={"batch_gradient": (torch.tensor([3.0]),)})
        >>> round(zico_meco(first=one, second=two), 6)  # log of (1 + 4) / 3
        0.510826
    """
    g_1, g_2 = _mean_gradients(first), _mean_gradients(second)
    return _over_batches([g_1, [a + b for a, b in zip(g_1, g_2, strict=True)]])


@proxy(
    needs=[INVERSE_VARIATION],
    better="higher",
    published_as="ZiCo",
    oracle="naive loop",
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
