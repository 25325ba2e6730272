"""WRCor: correlations between samples of activations and gradients, upper layers first."""

import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["response_correlations"],
    better="higher",
    oracle="naive loop",
    invariant_to={"sample_order", "loss_scale"},
    source="Jing et al., arXiv 2507.08841, equation 11; authors' code, "
    "kunjing96/ZSNAS-WRCor@b6bbc89, measures/act_grad_cor_weighted.py",
    official={"norm": "batch", "batch_size": 64},
    unit="nats",
)
def wrcor(stats: Statistics, /) -> float:
    """Log-determinant of weighted correlations of the samples' responses at ReLUs.

    With A_r the correlation matrix between samples of what enters ReLU r, G_r that of the gradient
    that leaves it backward, and l(r) the layer that r belongs to, counted from 0 at the bottom,

        log | det K |,   K = sum over ReLUs r of 2^l(r) ( |A_r| + |G_r| ).

    Layers are the entries of the network's list of cells, layers or blocks; ReLUs behind the last
    of them have the weight 2^(number of layers), those before the first have none.

    Args:
        stats: One pass. Reads `response_correlations`, [G, n, n].

    Returns:
        Nats of either sign; higher is better. It grows with the number of samples and of layers.

    Raises:
        UndefinedScore: If no ReLU counts (status `unsupported`), or if K is singular, as where two
            samples are equal (status `inf`).

    Source:
        Jing et al. 2025; their code takes 64 images in train mode, which the official regime sets.
        It knows the layers of NAS-Bench-101, NAS-Bench-201 and its MobileNetV2 by name; a network
        without such a list is refused.

    Example:
        >>> both = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.5], [0.5, 1.0]]])
        >>> values = {"response_correlations": both.double()}
        >>> round(wrcor(Statistics(n=2, blocks=(), values=values)), 6)  # log(3 * 3 - 1 * 1)
        2.079442
    """
    layers = stats.tensor("response_correlations")
    weights = 2.0 ** torch.arange(len(layers), dtype=layers.dtype)
    singular = torch.linalg.svdvals((weights[:, None, None] * layers).sum(0))  # [n], descending
    if not float(singular[0]) > 0:
        raise UndefinedScore("the network has no ReLU whose input varies", "unsupported")
    if singular[-1] <= stats.n * torch.finfo(singular.dtype).eps * singular[0]:
        raise UndefinedScore("the matrix is singular: responses of samples repeat", status="inf")
    return float(singular.log().sum())
