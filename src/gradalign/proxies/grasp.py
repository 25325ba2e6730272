"""GraSP: what the weights contribute to the flow of gradient."""

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["hessian_gradient", "weights"],
    better="higher",
    oracle="published code",
    disagrees="The pruning paper has the opposite sign.",
    invariant_to={"sample_order"},
    source="Wang et al., ICLR 2020 (arXiv 2002.07376), as a score in Abdelfattah et "
    "al., ICLR 2021; code, SamsungLabs/zero-cost-nas@a43bfbc, measures/grasp.py",
    official={"norm": "batch"},
)
def grasp(stats: Statistics, /) -> float:
    """Negative inner product of the weights with Hessian times gradient.

    With g and H gradient and Hessian of the mean loss of the batch, the score is

        - sum over weights k of w_k * (H g)_k.

    Args:
        stats: One pass. Reads `weights`, and `hessian_gradient`: H g of the summed loss, which is
            n^2 times that of the mean.

    Returns:
        A number of either sign in loss^2 / weight^2; higher is better. It is a sum with much
        cancellation.

    Source:
        Wang et al. 2020 prune weights by it; the sign and the sum are those of Abdelfattah et
        al. 2021, whose code uses train mode: `norm=batch`, which the official regime sets.

    Example:
        >>> import torch
        >>> weights, products = (torch.tensor([2.0]),), (torch.tensor([-12.0]),)
        >>> values = {"weights": weights, "hessian_gradient": products}
        >>> grasp(Statistics(n=2, blocks=(), values=values))
        6.0
    """
    total = sum(
        float((weight.double() * product.double()).sum())
        for weight, product in zip(stats.weights, stats.tensors("hessian_gradient"), strict=True)
    )
    return -total / stats.n**2
