"""Jacobian covariance: how differently the network answers to changes of each sample."""

import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.proxies._correlation import row_correlations
from gradalign.statistics import Statistics

SMALL = 1e-5
"""The authors' constant k."""


@proxy(
    needs=["input_gradient"],
    better="higher",
    oracle="published code",
    bounds=(float("-inf"), -2.0),
    invariant_to={"sample_order", "loss_scale"},
    source="Mellor et al., arXiv 2006.04647, first version, as a score in Abdelfattah et al., "
    "ICLR 2021; code, SamsungLabs/zero-cost-nas@a43bfbc, measures/jacob_cov.py",
    official={"norm": "batch", "batch_size": 64},
)
def jacob_cov(stats: Statistics, /) -> float:
    """How far the input gradients of the samples are from being uncorrelated.

    With J_i the gradient of the sum of all outputs with respect to sample i, v the eigenvalues of
    the correlation matrix of the J_i (each centred over its own entries) and k = 1e-5, the score is

        - sum over eigenvalues of [ log(v + k) + 1 / (v + k) ].

    Args:
        stats: One pass. Reads `input_gradient`, [n, D].

    Returns:
        A number <= -n, without unit; higher is better. Only batches of one size compare.

    Raises:
        UndefinedScore: If there is one sample, or a sample whose gradient does not vary.

    Source:
        Abdelfattah et al. 2021 took it from the first version of Mellor et al.; train mode, 64
        images: the official regime. They report |Spearman|: on NAS-Bench-101 the correlation is
        negative. Where normalisation comes right before global pooling, the outputs of a batch
        have a constant sum in `norm=batch`: no gradient, of which their code takes the rounding.

    Example:
        >>> gradient = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
        >>> values = {"input_gradient": gradient.double()}
        >>> round(jacob_cov(Statistics(n=2, blocks=(), values=values)), 6)  # eigenvalues 1 and 1
        -2.0
    """
    if stats.n < 2:
        raise UndefinedScore("one sample has no correlation with another")
    correlations = row_correlations(stats.tensor("input_gradient"), "the gradient by the input")
    shifted = torch.linalg.eigvalsh(correlations).clamp_min(0) + SMALL
    return -float((shifted.log() + 1 / shifted).sum())
