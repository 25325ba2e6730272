"""GradAlign-II: into how many different directions the samples pull, by a Gram determinant."""

import math

from torch import Tensor

from gradalign.linalg import cosine, log_det_identity_plus, log_det_identity_plus_left_out
from gradalign.proxies._base import Estimate, proxy
from gradalign.proxies._jackknife import jackknifed
from gradalign.statistics import Statistics

_SOURCE = (
    "Li & Guo, arXiv 2411.19819, GradAlign-II: determinant of the Gram matrix of per-sample "
    "gradients; form and sign were chosen on evidence, the paper's text was not at hand"
)
_INVARIANT = ("sample_order", "loss_scale")


def _log_dets(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Values log det(I + C) of cosine forms, [...], and the same without sample i, [..., n]."""
    matrix = cosine(gram)
    return log_det_identity_plus(matrix), log_det_identity_plus_left_out(matrix)


def _sum(stats: Statistics) -> Tensor:
    return log_det_identity_plus(cosine(stats.gram))


def _mean(stats: Statistics) -> Tensor:
    return _sum(stats) / (len(stats.gram) * stats.n * math.log(2))


def _by_macs(stats: Statistics) -> Tensor:
    values = _sum(stats)
    return values.new_tensor([block.macs for block in stats.blocks]) * values


@proxy(
    needs=["gram"],
    better="higher",
    published_as="GradAlign-II",
    oracle="independent code",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source=_SOURCE,
    kind="gradalign",
    unit="nats",
    ablation="live_layers",
    block_terms=_sum,
)
def gradalign_ii(stats: Statistics, /) -> Estimate:
    """Diversity of per-sample gradient directions, summed over blocks.

    With C_b the n x n matrix of cosines between the samples' gradients in block b (row and column
    of a zero gradient are 0, diagonal included), the score is

        sum over b of log det(I + C_b).

    It does not change when a gradient flips its sign: it measures how many different directions
    the samples ask for, not opposition.

    Args:
        stats: One pass. Reads `gram`, [L, n, n].

    Returns:
        Nats in [0, L n log 2]; higher is better. The upper end is reached where the gradients are
        orthogonal in every block. It grows with the number of blocks and of samples. The standard
        error is the jackknife's; none for one sample.

    Source:
        Li & Guo 2024 (arXiv 2411.19819), second score.

    Example:
        >>> import torch
        >>> gram = torch.eye(2, dtype=torch.float64).expand(3, 2, 2)
        >>> round(gradalign_ii(Statistics(n=2, blocks=(), values={"gram": gram})).value, 4)
        4.1589
    """
    values, left_out = _log_dets(stats.gram)
    return jackknifed(values.sum(), left_out.sum(0))


@proxy(
    needs=["gram"],
    better="higher",
    published_as="GradAlign-II",
    oracle="naive loop",
    bounds=(0.0, 1.0),
    invariant_to=_INVARIANT,
    source=_SOURCE,
    kind="gradalign",
    unit="share of the largest",
    block_terms=_mean,
)
def gradalign_ii_mean(stats: Statistics, /) -> Estimate:
    """Diversity of per-sample gradient directions as a share of the greatest possible.

    With L the number of all blocks, those without gradient included, and n samples, the score is

        gradalign_ii / (L n log 2):

    the same with the depth of the network and the size of the batch taken out.

    Args:
        stats: One pass. Reads `gram`, [L, n, n].

    Returns:
        A share in [0, 1]; higher is better. 1: orthogonal gradients in every block. The standard
        error is the jackknife's, each left-out score on n - 1 samples; none for one sample.

    Source:
        Li & Guo 2024 (arXiv 2411.19819), second score; the division is ours.

    Example:
        >>> import torch
        >>> gram = torch.eye(2, dtype=torch.float64).expand(3, 2, 2)
        >>> round(gradalign_ii_mean(Statistics(n=2, blocks=(), values={"gram": gram})).value, 9)
        1.0
    """
    values, left_out = _log_dets(stats.gram)
    return jackknifed(
        values.mean() / (stats.n * math.log(2)),
        left_out.mean(0) / ((stats.n - 1) * math.log(2)),
    )


@proxy(
    needs=["gram"],
    better="higher",
    published_as="GradAlign-II",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source=_SOURCE,
    kind="gradalign",
    unit="nats",
)
def gradalign_ii_network(stats: Statistics, /) -> Estimate:
    """Diversity of the directions of whole per-sample gradients.

    With C the n x n matrix of cosines between the samples' gradients over all blocks, the score is

        log det(I + C).

    Args:
        stats: One pass. Reads `gram`, [L, n, n], summed over blocks.

    Returns:
        Nats in [0, n log 2]; higher is better. It grows with the number of samples, not with the
        network. The standard error is the jackknife's; none for one sample.

    Source:
        Li & Guo 2024 (arXiv 2411.19819), second score, at the granularity of the whole network.

    Example:
        >>> import torch
        >>> gram = torch.ones(3, 2, 2, dtype=torch.float64)
        >>> round(gradalign_ii_network(Statistics(n=2, blocks=(), values={"gram": gram})).value, 4)
        1.0986
    """
    value, left_out = _log_dets(stats.gram.sum(0))
    return jackknifed(value, left_out)


@proxy(
    needs=["gram"],
    better="higher",
    published_as="GradAlign-II",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source=_SOURCE,
    kind="gradalign",
    unit="nats x multiply-adds",
    ablation="macs",
    block_terms=_by_macs,
)
def gradalign_ii_macs(stats: Statistics, /) -> Estimate:
    """Diversity of per-sample gradient directions, blocks weighted by multiply-adds.

        sum over b of macs_b * log det(I + C_b),

    macs_b the multiply-adds of one sample through block b, C_b as in `gradalign_ii`.

    Args:
        stats: One pass. Reads `gram`, [L, n, n], and the multiply-adds of the blocks.

    Returns:
        Nats times multiply-adds in [0, macs n log 2]; higher is better. It grows with the
        network: compare it with `macs`. The standard error is the jackknife's; none for one sample.

    Source:
        Li & Guo 2024 (arXiv 2411.19819), second score; the weights are ours.

    Example:
        >>> import torch
        >>> from gradalign.statistics import Block
        >>> gram = torch.ones(1, 2, 2, dtype=torch.float64)
        >>> stats = Statistics(n=2, blocks=(Block("fc", (5, 2), macs=10),), values={"gram": gram})
        >>> round(gradalign_ii_macs(stats).value, 3)
        10.986
    """
    values, left_out = _log_dets(stats.gram)
    macs = values.new_tensor([block.macs for block in stats.blocks])  # [L]
    return jackknifed(macs @ values, macs @ left_out)
