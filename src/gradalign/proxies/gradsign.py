"""GradSign: sign agreement of per-sample gradients, weight by weight."""

from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics, WeightStatistic

SIGN_SUM = WeightStatistic("abs_sign_sum", ("sign_sum",), lambda m: m.sign_sum.abs())


def _counts(stats: Statistics) -> Tensor:
    return stats.weight_sum(SIGN_SUM)


def _shares(stats: Statistics) -> Tensor:
    return _counts(stats) / stats.sizes.sum()


@proxy(
    needs=[SIGN_SUM],
    better="higher",
    published_as="GradSign",
    oracle="published code",
    disagrees="The port in AZ-NAS takes the mean over the weights; that in MeCo takes the sum, as "
    "here.",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="Zhang & Jia, ICLR 2022 (arXiv 2110.08616), algorithm 1; authors' code, grad_conflict",
    official={"norm": "sample"},
    unit="weights x samples",
    block_terms=_counts,
)
def gradsign(stats: Statistics, /) -> float:
    """Sum over weights of the absolute sum of the signs of the per-sample gradients.

    With g_ik the gradient of sample i's loss with respect to weight k, the score is

        sum over k of | sum over i of sign g_ik |.

    Args:
        stats: One pass. Reads the weight sum of |sum_i sign g_ik|.

    Returns:
        A number in [0, n P], without unit; higher is better. It grows with the network.

    Source:
        Zhang & Jia 2022, algorithm 1. The authors' code runs every image on its own in train mode:
        `norm=sample`, which the official regime sets.

    Example:
        >>> import torch
        >>> sums = {"abs_sign_sum": torch.tensor([3.0, 1.0], dtype=torch.float64)}
        >>> gradsign(Statistics(n=3, blocks=(), values={"weight_sums": sums}))
        4.0
    """
    return float(_counts(stats).sum())


@proxy(
    needs=[SIGN_SUM],
    better="higher",
    published_as="GradSign",
    oracle="published code",
    disagrees="The authors' code and the port in MeCo take the sum over the weights.",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="port of GradSign in cvlab-yonsei/AZ-NAS@5e6683a, compute_gradsign_score.py",
    official={"norm": "sample", "batch_size": 64},
    unit="samples",
    block_terms=_shares,
)
def gradsign_mean(stats: Statistics, /) -> float:
    """Mean over weights of the absolute sum of the signs of the per-sample gradients.

    With g_ik the gradient of sample i's loss with respect to weight k, and P weights, the score is

        1/P * sum over k of | sum over i of sign g_ik |.

    Args:
        stats: One pass. Reads the weight sum of |sum_i sign g_ik|.

    Returns:
        A number in [0, n], without unit; higher is better. The size of the network is taken out.

    Source:
        The code that goes with AZ-NAS (Lee & Ham, CVPR 2024) takes the mean where `gradsign`, the
        authors' own, takes the sum; its table calls it GradSign. Weights that no gradient reaches
        count as zero. Every image on its own in train mode: `norm=sample`, which the official
        regime sets.

    Example:
        >>> import torch
        >>> from gradalign.statistics import Block
        >>> sums = {"abs_sign_sum": torch.tensor([3.0, 1.0], dtype=torch.float64)}
        >>> blocks = (Block("a", (1, 1), 1), Block("b", (3, 1), 3))
        >>> gradsign_mean(Statistics(n=3, blocks=blocks, values={"weight_sums": sums}))
        1.0
    """
    return float(_shares(stats).sum())
