"""LGA: whether samples of one class pull the outputs the same way."""

import torch
from torch import Tensor

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.proxies._kernel import NTK_PROBE, spectrum
from gradalign.statistics import Statistics


def _centred(kernel: Tensor) -> Tensor:
    """H K H with H = I - 1 1'/n."""
    rows = kernel - kernel.mean(0)
    centred: Tensor = rows - rows.mean(1, keepdim=True)
    return centred


@proxy(
    needs=["gram", "labels"],
    better="higher",
    oracle="naive loop",
    bounds=(-1.0, 1.0),
    invariant_to={"sample_order", "loss_scale"},
    source="Mok et al., CVPR 2022 (arXiv 2203.14577), label-gradient alignment; no code published",
    probes={"stats": NTK_PROBE},
)
def lga(stats: Statistics, /) -> float:
    """Alignment of the neural tangent kernel with the classes.

    With K the kernel of `ntk_cond`, L_ij = 1 where samples i and j are of one class and -1
    elsewhere, and K_c, L_c both centred (rows and columns of mean 0), the score is

        <K_c, L_c> / ( |K_c| |L_c| ),

    product and norms being those of Frobenius.

    Args:
        stats: A pass on gradients of the sum of outputs. Reads `gram`, [L, n, n], summed over
            blocks, and `labels`, [n].

    Returns:
        A cosine in [-1, 1]; higher is better: samples of one class share gradients that samples of
        other classes do not.

    Raises:
        UndefinedScore: With one class or one sample, or a kernel that is zero or constant.

    Source:
        Mok et al. 2022, who take it after some epochs of training; at initialization, as here, they
        find it weaker. Their repository holds no code: the form is that of the paper's summaries.

    Example:
        >>> gram = torch.tensor([[[2.0, 2.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 1.0]]])
        >>> values = {"gram": gram.double(), "labels": torch.tensor([3, 3, 7])}
        >>> round(lga(Statistics(n=3, blocks=(), values=values)), 9)
        1.0
    """
    kernel, labels = stats.gram.sum(0), stats.tensor("labels")
    largest = spectrum(kernel)[-1]
    same = labels[:, None] == labels[None, :]
    if bool(same.all()):
        raise UndefinedScore("all samples are of one class: nothing to align with")
    kernel_c = _centred(kernel)
    if kernel_c.norm() <= stats.n * torch.finfo(kernel.dtype).eps * largest:
        raise UndefinedScore("the kernel is constant: nothing to align")
    labels_c = _centred(2 * same.to(kernel.dtype) - 1)
    cosine = (kernel_c * labels_c).sum() / (kernel_c.norm() * labels_c.norm())
    return float(cosine.clamp(-1, 1))
