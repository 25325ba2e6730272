"""Size of a network in five measures: the baselines that every other score has to beat."""

import torch
from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics

_INVARIANT = ("sample_order", "loss_scale")


def _sizes(stats: Statistics) -> Tensor:
    return stats.sizes


def _macs(stats: Statistics) -> Tensor:
    return torch.tensor([block.macs for block in stats.blocks], dtype=torch.float64)


def _flops(stats: Statistics) -> Tensor:
    return 2 * _macs(stats)


def _ones(stats: Statistics) -> Tensor:
    return torch.ones(len(stats.blocks), dtype=torch.float64)


def _live(stats: Statistics) -> Tensor:
    return stats.live.double()


@proxy(
    needs=["params"],
    better="higher",
    oracle="independent code",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source="trivial baseline",
    kind="size",
    unit="parameters",
    block_terms=_sizes,
)
def params(stats: Statistics, /) -> float:
    """Number of trainable parameters.

    Args:
        stats: One pass. Reads `params`: biases and normalisation included.

    Returns:
        A count >= 0; higher is better.

    Source:
        Trivial baseline.

    Example:
        >>> params(Statistics(n=2, blocks=(), values={"params": 30}))
        30.0
    """
    return float(stats.params)


@proxy(
    needs=["macs"],
    better="higher",
    published_as="FLOPs",
    oracle="independent code",
    disagrees="Many papers call it FLOPs. The counter of NAS-Bench-201 adds the additions of "
    "biases, and thop normalisation and pooling.",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source="trivial baseline",
    kind="size",
    unit="multiply-adds",
    block_terms=_macs,
)
def macs(stats: Statistics, /) -> float:
    """Multiply-adds of convolutions and matrix products for one sample.

    Args:
        stats: One pass. Reads `macs`: at the probe's input size, without biases.

    Returns:
        A count >= 0; higher is better.

    Source:
        Trivial baseline.

    Example:
        >>> macs(Statistics(n=2, blocks=(), values={"macs": 50}))
        50.0
    """
    return float(stats.macs)


@proxy(
    needs=["macs"],
    better="higher",
    published_as="FLOPs",
    oracle="published code",
    disagrees="Many papers call multiply-adds FLOPs, half of this. The counter of NAS-Bench-201 "
    "adds the additions of biases, and thop normalisation and pooling.",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source="trivial baseline; 2 a multiply-add, as torch.utils.flop_counter counts",
    kind="size",
    unit="operations",
    block_terms=_flops,
)
def flops(stats: Statistics, /) -> float:
    """Floating-point operations of one sample: two for each multiply-add.

    Args:
        stats: One pass. Reads `macs`.

    Returns:
        A count >= 0; higher is better. It ranks as `macs` does.

    Source:
        Trivial baseline, in the convention of torch.utils.flop_counter.

    Example:
        >>> flops(Statistics(n=2, blocks=(), values={"macs": 50}))
        100.0
    """
    return 2.0 * stats.macs


@proxy(
    needs=[],
    better="higher",
    oracle="independent code",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source="trivial baseline",
    kind="size",
    unit="weight tensors",
    block_terms=_ones,
)
def layers(stats: Statistics, /) -> float:
    """Number of blocks: effective weight tensors, with a gradient or without.

    Args:
        stats: One pass. Reads the number of blocks.

    Returns:
        A count >= 0; higher is better.

    Source:
        Trivial baseline.

    Example:
        >>> from gradalign.statistics import Block
        >>> layers(Statistics(n=2, blocks=(Block("fc", (5, 2), macs=10),), values={}))
        1.0
    """
    return float(len(stats.blocks))


@proxy(
    needs=["live"],
    better="higher",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source="trivial baseline, ablation of gradalign_ii",
    kind="ablation",
    unit="weight tensors",
    block_terms=_live,
)
def live_layers(stats: Statistics, /) -> float:
    """Number of blocks in which some sample has a gradient.

    What the rank order of `gradalign_ii` owes to it is due to depth alone.

    Args:
        stats: One pass. Reads `live`, [L].

    Returns:
        A count in [0, L]; higher is better.

    Source:
        Trivial baseline.

    Example:
        >>> import torch
        >>> live_layers(Statistics(n=2, blocks=(), values={"live": torch.tensor([True, False])}))
        1.0
    """
    return float(stats.live.sum())
