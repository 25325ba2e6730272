"""GradAlign-I: how far per-sample gradients go along with their mean, at four granularities."""

from torch import Tensor

from gradalign.linalg import alignment, alignment_left_out
from gradalign.proxies._base import Estimate, proxy
from gradalign.proxies._jackknife import jackknifed
from gradalign.statistics import Statistics

_SOURCE = (
    "Li & Guo, arXiv 2411.19819, GradAlign-I: alignment of per-sample gradients with their mean "
    "direction; the form was chosen on evidence, the paper's text was not at hand"
)
_INVARIANT = ("sample_order", "loss_scale")


def _mean_over_samples(values: Tensor) -> Estimate:
    """Mean of [n] values and its standard error sd / sqrt(n), None for one sample."""
    n = values.shape[0]
    if n == 1:
        return Estimate(float(values.mean()))
    stderr = float(values.std(correction=1)) / n**0.5
    return Estimate(float(values.mean()), stderr, (values.sum() - values) / (n - 1))


def _agreement(stats: Statistics) -> Tensor:
    return stats.agreement.mean(1)


def _share(stats: Statistics) -> Tensor:
    return _agreement(stats) / stats.sizes.sum().to(stats.agreement)


def _filters(stats: Statistics) -> Tensor:
    return stats.filter_alignment


def _layers(stats: Statistics) -> Tensor:
    return stats.sizes.to(stats.gram) * alignment(stats.gram)


@proxy(
    needs=["agreement"],
    better="higher",
    published_as="GradAlign-I",
    oracle="independent code",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source=_SOURCE,
    kind="gradalign",
    unit="weights",
    ablation="params",
    block_terms=_agreement,
)
def gradalign_i(stats: Statistics, /) -> Estimate:
    """Number of weights whose gradient agrees in sign with the mean gradient.

    With g_ik the gradient of sample i's loss with respect to weight k and g-bar the mean over the
    n samples, the score is

        1/n * sum over i of m_i,   m_i = #{ k : sign g_ik = sign g-bar_k, both non-zero }.

    Args:
        stats: One pass. Reads `agreement`, [L, n]: the m_i, block by block.

    Returns:
        A number of weights in [0, P]; higher is better. It grows with the network. The standard
        error is sd(m_i) / sqrt(n), the mean direction held fixed; none for one sample.

    Source:
        Li & Guo 2024 (arXiv 2411.19819), first score, at the granularity of single weights.

    Example:
        >>> import torch
        >>> agreement = torch.tensor([[2.0, 1.0], [4.0, 4.0]], dtype=torch.float64)
        >>> gradalign_i(Statistics(n=2, blocks=(), values={"agreement": agreement})).value
        5.5
    """
    return _mean_over_samples(stats.agreement.sum(0))


@proxy(
    needs=["agreement"],
    better="higher",
    published_as="GradAlign-I",
    oracle="independent code",
    bounds=(0.0, 1.0),
    invariant_to=_INVARIANT,
    source=_SOURCE,
    kind="gradalign",
    unit="share of weights",
    block_terms=_share,
)
def gradalign_i_mean(stats: Statistics, /) -> Estimate:
    """Share of weights whose gradient agrees in sign with the mean gradient.

    With P the number of weights in all blocks, those without gradient included, the score is

        gradalign_i / P:

    the same with the size of the network taken out.

    Args:
        stats: One pass. Reads `agreement`, [L, n], and the sizes of the blocks.

    Returns:
        A share in [0, 1]; higher is better. 1: no sample opposes the mean anywhere. The standard
        error is that of `gradalign_i`, divided by P.

    Source:
        Li & Guo 2024 (arXiv 2411.19819), first score; the division by P is ours.

    Example:
        >>> import torch
        >>> from gradalign.statistics import Block
        >>> values = {"agreement": torch.tensor([[2.0, 1.0]], dtype=torch.float64)}
        >>> block = Block("fc", (2, 1), macs=2)
        >>> gradalign_i_mean(Statistics(n=2, blocks=(block,), values=values)).value
        0.75
    """
    return _mean_over_samples(stats.agreement.sum(0) / stats.sizes.sum().to(stats.agreement))


@proxy(
    needs=["filter_alignment"],
    better="higher",
    published_as="GradAlign-I",
    oracle="independent code",
    invariant_to=_INVARIANT,
    source=_SOURCE,
    kind="gradalign",
    unit="weights",
    ablation="params",
    block_terms=_filters,
)
def gradalign_i_filter(stats: Statistics, /) -> Estimate:
    """Cosine with the mean gradient, filter by filter, weighted by filter size.

    With g_i^f the gradient of sample i restricted to output filter f of p_f weights, the score is

        sum over f of p_f * 1/n * sum over i of cos(g_i^f, g-bar^f),

    a cosine being 0 where a norm is 0.

    Args:
        stats: One pass. Reads `filter_alignment`, [L], and what it is without sample i, [L, n].

    Returns:
        A number of weights in [-P, P]; higher is better. It grows with the network. The standard
        error is the jackknife's; none for one sample.

    Source:
        Li & Guo 2024 (arXiv 2411.19819), first score, at the granularity of output filters.

    Example:
        >>> import torch
        >>> values = {
        ...     "filter_alignment": torch.tensor([3.0]),
        ...     "filter_alignment_left_out": torch.tensor([[2.0, 4.0]]),
        ... }
        >>> gradalign_i_filter(Statistics(n=2, blocks=(), values=values))
        Estimate(value=3.0, stderr=1.0)
    """
    return jackknifed(stats.filter_alignment.sum(), stats.filter_alignment_left_out.sum(0))


@proxy(
    needs=["gram"],
    better="higher",
    published_as="GradAlign-I",
    oracle="independent code",
    invariant_to=_INVARIANT,
    source=_SOURCE,
    kind="gradalign",
    unit="weights",
    ablation="params",
    block_terms=_layers,
)
def gradalign_i_layer(stats: Statistics, /) -> Estimate:
    """Cosine with the mean gradient, block by block, weighted by block size.

    With g_i^b the gradient of sample i restricted to block b of p_b weights, the score is

        sum over b of p_b * 1/n * sum over i of cos(g_i^b, g-bar^b),

    a cosine being 0 where a norm is 0. From the Gram matrix G of a block, with 1 the vector of
    ones: <g_i, g-bar> = (G 1)_i / n and |g-bar|^2 = 1'G1 / n^2.

    Args:
        stats: One pass. Reads `gram`, [L, n, n], and the sizes of the blocks.

    Returns:
        A number of weights in [-P, P]; higher is better. It grows with the network. The standard
        error is the jackknife's; none for one sample.

    Source:
        Li & Guo 2024 (arXiv 2411.19819), first score, at the granularity of weight tensors.

    Example:
        >>> import torch
        >>> from gradalign.statistics import Block
        >>> gram = torch.ones(1, 2, 2, dtype=torch.float64)
        >>> block = Block("fc", (5, 2), macs=10)
        >>> gradalign_i_layer(Statistics(n=2, blocks=(block,), values={"gram": gram})).value
        10.0
    """
    sizes = stats.sizes.to(stats.gram)
    return jackknifed(_layers(stats).sum(), sizes @ alignment_left_out(stats.gram))


@proxy(
    needs=["gram"],
    better="higher",
    published_as="GradAlign-I",
    oracle="independent code",
    invariant_to=_INVARIANT,
    source=_SOURCE,
    kind="gradalign",
    unit="weights",
    ablation="params",
)
def gradalign_i_network(stats: Statistics, /) -> Estimate:
    """Cosine of whole per-sample gradients with their mean, times their size.

    With g_i the gradient of sample i over all blocks and P their number of weights, the score is

        P * 1/n * sum over i of cos(g_i, g-bar),   a cosine being 0 where a norm is 0.

    Args:
        stats: One pass. Reads `gram`, [L, n, n], summed over blocks, and the sizes of the blocks.

    Returns:
        A number of weights in [-P, P]; higher is better. It grows with the network. The standard
        error is the jackknife's; none for one sample.

    Source:
        Li & Guo 2024 (arXiv 2411.19819), first score, at the granularity of the whole network.

    Example:
        >>> import torch
        >>> from gradalign.statistics import Block
        >>> gram = torch.tensor([[[1.0, -1.0], [-1.0, 1.0]]], dtype=torch.float64)
        >>> block = Block("fc", (5, 2), macs=10)
        >>> gradalign_i_network(Statistics(n=2, blocks=(block,), values={"gram": gram})).value
        0.0
    """
    gram = stats.gram.sum(0)  # [n, n]
    size = stats.sizes.sum().to(gram)
    return jackknifed(size * alignment(gram), size * alignment_left_out(gram))
