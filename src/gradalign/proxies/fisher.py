"""Fisher score: how strongly the samples pull at the scale of each channel."""

from torch import Tensor

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


def _score(saliency: Tensor, n: int) -> float:
    """Half of the sum over blocks, of the mean loss in place of the sum of n losses."""
    total = float(saliency.sum())
    if total == 0:
        raise UndefinedScore(
            "no output of a convolution or linear layer receives a gradient", "no_gradient"
        )
    return total / (2 * n**2)


@proxy(
    needs=["axis_saliency"],
    better="higher",
    published_as="Fisher",
    oracle="published code",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Theis et al. 2018 (arXiv 1801.05787) and Turner et al., ICLR 2020 (BlockSwap), as a "
    "score in Abdelfattah et al., ICLR 2021; code, SamsungLabs/zero-cost-nas@a43bfbc, "
    "measures/fisher.py",
    official={"norm": "batch", "batch_size": 64},
    unit="squared loss",
)
def fisher(stats: Statistics, /) -> float:
    """Squared products of outputs and gradients, as the published code sums them.

    With a the output of a convolution or linear layer, c a place on its axis 1, and L the mean loss
    of the batch, the score is the sum over layers, c and weights of output channel c of

        1/2 * mean over samples of ( sum over the other axes of a * dL/da )^2.

    Args:
        stats: One pass. Reads `axis_saliency`, of the summed loss.

    Returns:
        A number >= 0 in loss^2; higher is better. Every channel counts as often as it has weights.

    Raises:
        UndefinedScore: If no layer's output receives a gradient (status `no_gradient`).

    Source:
        Abdelfattah et al. 2021; train mode: `norm=batch`, which the official regime sets. Their
        code takes axis 1 for the channels. Where a linear layer sees tokens this is the token axis,
        and a token counts as often as a channel has weights; `fisher_channel` has the channels.

    Example:
        >>> import torch
        >>> saliency = torch.tensor([3.0, 1.0], dtype=torch.float64)
        >>> fisher(Statistics(n=2, blocks=(), values={"axis_saliency": saliency}))
        0.5
    """
    return _score(stats.tensor("axis_saliency"), stats.n)


@proxy(
    needs=["channel_saliency"],
    better="higher",
    published_as="Fisher",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="fisher with the channels of linear layers on the last axis: our own mend of its code",
    unit="squared loss",
)
def fisher_channel(stats: Statistics, /) -> float:
    """Squared products of outputs and gradients, channel by channel.

    With a the output of a weight layer, c one of its channels, and L the mean loss of the batch,
    the score is the sum over layers, c and weights of channel c of

        1/2 * mean over samples of ( sum over positions of a * dL/da )^2.

    Args:
        stats: One pass. Reads `channel_saliency`, of the summed loss.

    Returns:
        A number >= 0 in loss^2; higher is better. Every channel counts as often as it has weights.

    Raises:
        UndefinedScore: If no layer's output receives a gradient (status `no_gradient`).

    Source:
        Theis et al. 2018 and Turner et al. 2020 for the form. It equals `fisher` unless a linear
        layer sees more than one position.

    Example:
        >>> import torch
        >>> saliency = torch.tensor([3.0, 1.0], dtype=torch.float64)
        >>> fisher_channel(Statistics(n=2, blocks=(), values={"channel_saliency": saliency}))
        0.5
    """
    return _score(stats.tensor("channel_saliency"), stats.n)
