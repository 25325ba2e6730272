"""MeCo: smallest eigenvalue of the channel correlations of every feature map."""

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics

SOURCE = "Jiang et al., NeurIPS 2023; authors' code, HamsterMimi/MeCo@0d830dd, "


@proxy(
    needs=["smallest_correlations"],
    better="higher",
    published_as="MeCo",
    oracle="published code",
    disagrees="Two files of the authors' repository go by this name: one draws an image, as here, "
    "the other takes the data.",
    bounds=(0.0, float("inf")),
    invariant_to={"loss_scale"},
    source=SOURCE + "correlation/foresight/pruners/measures/meco.py",
    probes={"stats": {"data": "noise", "batch_size": 1}},
    official={"norm": "batch", "input_size": (3, 64, 64)},
)
def meco(stats: Statistics, /) -> float:
    """Smallest eigenvalues of the channel correlations of one random image.

    With P_m the correlation matrix of the channels (axis 1, over all later axes) of what module m
    puts out for an input from N(0, 1), the score is

        sum over modules m of the smallest eigenvalue of P_m,

    over every call of every module, containers and the network itself among them, so that what a
    container passes on counts again. A channel that is constant has correlation 0.

    Args:
        stats: A pass over one random input. Reads `smallest_correlations`, [M].

    Returns:
        A number in [0, M], without unit; higher is better. Maps with no more positions than
        channels add 0.

    Source:
        Jiang et al. 2023. This file of their code takes one 3x64x64 image from N(0, 1) in train
        mode (the official regime), whatever the data; `meco_data` is the other file.

    Example:
        >>> import torch
        >>> values = {"smallest_correlations": torch.tensor([0.5, 0.0, 0.25])}
        >>> meco(Statistics(n=1, blocks=(), values=values))
        0.75
    """
    return float(stats.tensor("smallest_correlations").sum())


@proxy(
    needs=["smallest_correlations"],
    better="higher",
    published_as="MeCo",
    oracle="published code",
    disagrees="Two files of the authors' repository go by this name: one draws an image, the "
    "other takes the data, as here.",
    bounds=(0.0, float("inf")),
    invariant_to={"loss_scale"},
    source=SOURCE + "zero-cost-nas/foresight/pruners/measures/meco.py",
    official={"norm": "batch"},
)
def meco_data(stats: Statistics, /) -> float:
    """Smallest eigenvalues of the channel correlations of the first sample.

    As `meco`, of the first sample of the batch; the other samples only enter the statistics of
    normalisation.

    Args:
        stats: One pass. Reads `smallest_correlations`, [M].

    Returns:
        A number in [0, M], without unit; higher is better.

    Source:
        Jiang et al. 2023. The second of the two files of that name in their code takes the data
        that it is given, in train mode: `norm=batch`, which the official regime sets.

    Example:
        >>> import torch
        >>> values = {"smallest_correlations": torch.tensor([0.5, 0.0, 0.25])}
        >>> meco_data(Statistics(n=8, blocks=(), values=values))
        0.75
    """
    return float(stats.tensor("smallest_correlations").sum())


@proxy(
    needs=["sampled_correlations"],
    better="higher",
    published_as="MeCo",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to={"loss_scale"},
    source=SOURCE + "correlation/NAS_Bench_201.py, meco_opt",
    official={"norm": "batch", "batch_size": 1},
)
def meco_opt(stats: Statistics, /) -> float:
    """Smallest eigenvalues of the correlations of 8 random channels, rescaled.

    With c_m the channels of what module m puts out for the first sample and P_m the correlation
    matrix of 8 of them, drawn without replacement, the score is

        sum over modules m of c_m / 8 times the smallest eigenvalue of P_m,

    over every call of every module, as in `meco`; all channels, unweighted, where there are fewer.

    Args:
        stats: One pass. Reads `sampled_correlations`, [M].

    Returns:
        A number >= 0, without unit; higher is better. It depends on the channels drawn, which are
        fixed by the seed of the measurement.

    Source:
        Jiang et al. 2023; their code takes one image of the data set in train mode (the official
        regime) and fails on maps of fewer than 8 channels.

    Example:
        >>> import torch
        >>> values = {"sampled_correlations": torch.tensor([1.5, 0.25])}
        >>> meco_opt(Statistics(n=1, blocks=(), values=values))
        1.75
    """
    return float(stats.tensor("sampled_correlations").sum())
