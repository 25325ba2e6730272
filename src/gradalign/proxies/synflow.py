"""SynFlow: synaptic saliency without data."""

from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.proxies._saliency import SALIENCY, SYNFLOW_PROBE
from gradalign.statistics import Statistics


def _terms(stats: Statistics) -> Tensor:
    return stats.weight_sum(SALIENCY)


@proxy(
    needs=[SALIENCY],
    better="higher",
    published_as="SynFlow",
    oracle="published code",
    disagrees="The code of Zen-NAS keeps normalisation, and gives the mean over channels, "
    "negative. NASLib gives the logarithm, which ranks alike.",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Tanaka et al., NeurIPS 2020 (arXiv 2006.05467), as a score in Abdelfattah "
    "et al., ICLR 2021; code, SamsungLabs/zero-cost-nas@a43bfbc, measures/synflow.py",
    probes={"stats": SYNFLOW_PROBE},
    block_terms=_terms,
)
def synflow(stats: Statistics, /) -> float:
    """Sum over weights of weight times gradient, all made positive.

    With R the sum of the network's outputs for an input of ones, every parameter replaced by its
    absolute value and normalisation removed, the score is

        sum over weights k of | w_k * dR/dw_k |.

    Args:
        stats: The pass just described. Reads the weight sum of |w dR/dw|.

    Returns:
        A number >= 0 in the unit of the outputs; higher is better. It grows exponentially with
        depth, hence the double precision; deep networks may still overflow.

    Source:
        Tanaka et al. 2020 (for pruning); Abdelfattah et al. 2021 sum it up to a score. Their code
        reports the sum itself, NAS-Bench-Suite-Zero its logarithm: the ranking is the same.

    Example:
        >>> import torch
        >>> sums = {"saliency": torch.tensor([3.0, 1.5], dtype=torch.float64)}
        >>> synflow(Statistics(n=1, blocks=(), values={"weight_sums": sums}))
        4.5
    """
    return float(_terms(stats).sum())
