"""GSNR: gradient signal-to-noise ratio, weight by weight."""

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics, WeightStatistic

XI = 1e-8
"""The authors' constant, in loss^2 / weight^2: it keeps weights without variance finite."""

SIGNAL_TO_NOISE = WeightStatistic(
    "signal_to_noise",
    ("sum", "square_sum"),
    lambda m: m.mean.square() / (m.variance + XI),
)


@proxy(
    needs=[SIGNAL_TO_NOISE],
    better="higher",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Sun et al., ICCV 2023 (Xi-GSNR); authors' code, Sunzh1996/Xi-GSNR@b5c2853, "
    "run_gsnr.py, the per-sample branch",
    official={"norm": "sample"},
)
def gsnr(stats: Statistics, /) -> float:
    """Signal-to-noise ratio of gradients over samples, summed over weights.

    With g_ik the gradient of sample i's loss with respect to weight k, mean and population variance
    taken over samples, the score is

        sum over k of mean(g_k)^2 / ( var(g_k) + 1e-8 ).

    Args:
        stats: One pass. Reads the weight sum of mean^2 / (variance + 1e-8).

    Returns:
        A number >= 0, without unit but for the constant; higher is better. It grows with the
        network, and where gradients do not vary it is of the order of mean^2 / 1e-8.

    Source:
        Sun et al. 2023. Their code has two branches; this is the one over single images in train
        mode (`norm=sample`, which the official regime sets). The other accumulates the gradients
        of eight batches without resetting them.

    Example:
        >>> import torch
        >>> sums = {"signal_to_noise": torch.tensor([0.5, 2.0], dtype=torch.float64)}
        >>> gsnr(Statistics(n=3, blocks=(), values={"weight_sums": sums}))
        2.5
    """
    return float(stats.weight_sum(SIGNAL_TO_NOISE).sum())
