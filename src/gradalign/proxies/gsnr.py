"""GSNR: gradient signal-to-noise ratio, weight by weight."""

import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics, WeightStatistic

XI = 1e-8
"""The authors' constant, in loss^2 / weight^2: it keeps weights without variance finite."""

SIGNAL_TO_NOISE = WeightStatistic(
    "signal_to_noise",
    ("sum", "square_sum"),
    lambda m: m.mean.square() / (m.variance + XI),
)

VARYING = WeightStatistic(
    "varying_weights", ("sum", "square_sum"), lambda m: (m.variance != 0).to(m.sum.dtype)
)
"""How many weights' gradients are not the same for every sample."""


@proxy(
    needs=[SIGNAL_TO_NOISE, VARYING],
    better="higher",
    published_as="Xi-GSNR",
    oracle="published code",
    disagrees="The authors' code has two branches: single samples for NAS-Bench-101, as here, and "
    "sums of eight batches' gradients for NAS-Bench-201 and NDS.",
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

        sum over k of mean(g_k)^2 / ( var(g_k) + 1e-8 ),

    blocks without any variance left out.

    Args:
        stats: One pass. Reads the weight sum of mean^2 / (variance + 1e-8), and at how many weights
            there is variance.

    Returns:
        A number >= 0, without unit but for the constant; higher is better. It grows with the
        network, and a weight whose gradient hardly varies counts up to mean^2 / 1e-8.

    Raises:
        UndefinedScore: If no gradient varies between the samples, as with one sample.

    Source:
        Sun et al. 2023. Their code has two branches; this is the one over single images in train
        mode (`norm=sample`, which the official regime sets); the other is `xi_gsnr`. Where nothing
        varies it returns 0.

    Example:
        >>> import torch
        >>> ratios = torch.tensor([0.5, 2.0, 7.0], dtype=torch.float64)
        >>> sums = {"signal_to_noise": ratios, "varying_weights": torch.tensor([3, 9, 0])}
        >>> gsnr(Statistics(n=3, blocks=(), values={"weight_sums": sums}))
        2.5
    """
    ratios, varying = stats.weight_sum(SIGNAL_TO_NOISE), stats.weight_sum(VARYING) != 0
    if not bool(varying.any()):
        raise UndefinedScore("no weight's gradient varies between the samples: give two or more")
    return float(ratios[varying].sum())


@proxy(
    needs=["batch_gradient"],
    better="higher",
    published_as="Xi-GSNR",
    oracle="published code",
    disagrees="The authors' code has two branches: single samples for NAS-Bench-101, and sums of "
    "eight batches' gradients for NAS-Bench-201 and NDS, as here.",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Sun et al., ICCV 2023 (Xi-GSNR); authors' code, Sunzh1996/Xi-GSNR@b5c2853, "
    "run_gsnr.py, the branch of NAS-Bench-201 and NDS",
    probes={f"part_{k}": {"part": k} for k in range(8)},
    official={"norm": "batch", "batch_size": 64},
)
def xi_gsnr(**batches: Statistics) -> float:
    """Signal-to-noise ratio of the running sum of eight batches' gradients.

    With g_j the gradient of the mean loss of batch j, and s_j = g_1 + ... + g_j, mean and
    population variance taken over the eight s_j, the score is

        sum over weights k of mean(s_k)^2 / ( var(s_k) + 1e-8 ),

    blocks without any variance left out.

    Args:
        batches: Passes on eight successive batches of one draw, `part_0` to `part_7`. Reads
            `batch_gradient`, of the summed loss.

    Returns:
        A number >= 0, without unit but for the constant; higher is better. It grows with the
        network.

    Raises:
        UndefinedScore: If no gradient reaches the weights.

    Source:
        Sun et al. 2023. Their code for NAS-Bench-201 and NDS does not set gradients to zero between
        batches, which makes sums of the s_j; their other branch is `gsnr`. Batches of 64 in train
        mode: `norm=batch`, both set by the official regime.

    Example:
        >>> def batch(g):
        ...     return Statistics(n=1, blocks=(), values={"batch_gradient": (torch.tensor([g]),)})
        >>> round(xi_gsnr(**{f"part_{k}": batch(2.0) for k in range(8)}), 6)  # s = 2, 4, ..., 16
        3.857143
    """
    total = 0.0
    for of_block in zip(*(stats.batch_gradient for stats in batches.values()), strict=True):
        means = [g.double() / s.n for g, s in zip(of_block, batches.values(), strict=True)]
        sums = torch.stack(means).cumsum(0)  # [8, *shape]
        variance = sums.var(0, correction=0)
        if bool((variance != 0).any()):
            total += float((sums.mean(0).square() / (variance + XI)).sum())
    if total == 0:
        raise UndefinedScore("no gradient reaches the weights", "no_gradient")
    return total
