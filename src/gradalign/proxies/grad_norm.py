"""Gradient norm: how large the gradient of a mini-batch is, in two published forms."""

from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics, WeightStatistic

SQUARED_SUM = WeightStatistic("squared_sum", ("sum",), lambda moments: moments.sum.square())


def _terms(stats: Statistics) -> Tensor:
    return stats.weight_sum(SQUARED_SUM).sqrt() / stats.n


@proxy(
    needs=[SQUARED_SUM],
    better="higher",
    published_as="grad norm",
    oracle="published code",
    disagrees="The codes of Zen-NAS and deeplite take one norm of the gradients of all parameters.",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Abdelfattah et al., ICLR 2021 (arXiv 2101.08134), section 3; code, "
    "SamsungLabs/zero-cost-nas@a43bfbc, measures/grad_norm.py",
    official={"norm": "batch", "batch_size": 64},
    unit="gradient",
    block_terms=_terms,
)
def grad_norm(stats: Statistics, /) -> float:
    """Sum over blocks of the norm of the mini-batch gradient.

    With g the gradient of the mean loss of the batch and g^b its part in block b,

        sum over b of | g^b |.

    Args:
        stats: One pass. Reads the weight sum of (sum_i g_ik)^2, of the summed loss.

    Returns:
        A number >= 0 in loss / weight; higher is better. It grows with the number of blocks.

    Source:
        Abdelfattah et al. 2021; their code uses convolutions and linear layers in train mode:
        `norm=batch`, which the official regime sets. The code of ZenNAS takes one norm over all
        parameters under the same name: `grad_norm_all`.

    Example:
        >>> import torch
        >>> sums = {"squared_sum": torch.tensor([36.0, 64.0], dtype=torch.float64)}
        >>> grad_norm(Statistics(n=2, blocks=(), values={"weight_sums": sums}))  # (6 + 8) / 2
        7.0
    """
    return float(_terms(stats).sum())


@proxy(
    needs=["batch_gradient"],
    better="higher",
    published_as="grad norm",
    oracle="published code",
    disagrees="The codes of zero-cost-nas and NASLib sum the norms of the layers' gradients.",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="the grad-norm of Lin et al., ICCV 2021 (Zen-NAS); code, idstcv/ZenNAS@d1d617e, "
    "compute_gradnorm_score.py",
    probes={"stats": {"params": "all"}},
    official={"norm": "batch", "batch_size": 64, "data": "noise", "weights": "gaussian"},
    unit="gradient",
)
def grad_norm_all(stats: Statistics, /) -> float:
    """Norm of the mini-batch gradient by all parameters.

    With g the gradient of the mean loss of the batch with respect to every trainable parameter,
    biases, embeddings and normalisation included, the score is

        |g|.

    Args:
        stats: A pass with every parameter as a block. Reads `batch_gradient`, of the summed loss.

    Returns:
        A number >= 0 in loss / weight; higher is better.

    Source:
        The code of Zen-NAS calls it grad-norm; the one after Abdelfattah et al. 2021 is
        `grad_norm`. The code draws all weights from N(0, 1) and feeds noise with labels of chance
        in train mode (`norm=batch`), all set by the official regime.

    Example:
        >>> import torch
        >>> values = {"batch_gradient": (torch.tensor([6.0]), torch.tensor([8.0]))}
        >>> grad_norm_all(Statistics(n=2, blocks=(), values=values))  # 10 / 2
        5.0
    """
    squares = sum(float(g.double().square().sum()) for g in stats.batch_gradient)
    return float(squares**0.5) / stats.n
