"""Effective rank of per-sample gradients: the number of directions they spread over."""

import torch
from torch import Tensor

from gradalign.errors import UndefinedScore
from gradalign.linalg import cosine, each_left_out, effective_rank
from gradalign.proxies._base import Estimate, proxy
from gradalign.proxies._jackknife import jackknifed
from gradalign.statistics import Statistics

MOST_SAMPLES_FOR_STDERR = 32
"""Leaving out every sample costs L n spectra; beyond this it would rival the pass itself."""


def _shares(cosines: Tensor) -> Tensor:
    """exp(entropy of the spectrum) over the number of live blocks: [L, ..., n, n] to [L, ...].

    Zero for a block that is not live, NaN where none is.
    """
    live = cosines.diagonal(dim1=-2, dim2=-1).any(-1)  # [L, ...]
    return torch.where(live, effective_rank(cosines), 0.0) / live.sum(0)


def _terms(stats: Statistics) -> Tensor:
    return _shares(cosine(stats.gram))


@proxy(
    needs=["gram"],
    better="higher",
    oracle="naive loop",
    bounds=(1.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="effective rank (Roy & Vetterli, EUSIPCO 2007) of the cosine matrices of "
    "per-sample gradients: our own companion of GradAlign-II",
    kind="gradalign",
    unit="directions",
    block_terms=_terms,
)
def gradient_effective_rank(stats: Statistics, /) -> Estimate:
    """Number of directions that the per-sample gradients of a block spread over.

    With C_b the n x n matrix of cosines between the samples' gradients in block b and p its
    eigenvalues scaled to sum 1, the score is the mean over blocks with a gradient of

        exp( - sum over k of p_k log p_k ).

    Args:
        stats: One pass. Reads `gram`, [L, n, n].

    Returns:
        A number of directions in [1, n]; higher is better. 1: all gradients parallel; n: all
        orthogonal. It does not grow with the network. The standard error is the jackknife's; none
        for one sample, nor for more than 32: it takes L n spectra.

    Raises:
        UndefinedScore: If no block has a gradient (status `no_gradient`), or one is not finite.

    Source:
        Roy & Vetterli 2007 for the effective rank; applied to C_b here.

    Example:
        >>> gram = torch.eye(4, dtype=torch.float64).unsqueeze(0)
        >>> stats = Statistics(n=4, blocks=(), values={"gram": gram})
        >>> round(gradient_effective_rank(stats).value, 9)
        4.0
    """
    if not bool(torch.isfinite(stats.gram).all()):  # the eigenvalue solver would raise
        raise UndefinedScore("the per-sample gradients are not finite")
    if not bool(stats.gram.any()):
        raise UndefinedScore("no block has a gradient", status="no_gradient")
    cosines = cosine(stats.gram)  # [L, n, n]
    value = _shares(cosines).sum(0)
    if not 1 < stats.n <= MOST_SAMPLES_FOR_STDERR:
        return Estimate(float(value))
    return jackknifed(value, _shares(each_left_out(cosines)).sum(0))
