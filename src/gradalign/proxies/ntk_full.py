"""The neural tangent kernel of all outputs: condition number and trace."""

from gradalign.proxies._base import proxy
from gradalign.proxies._kernel import NTK_PROBE, condition_number
from gradalign.statistics import Statistics

_PROBES = {"stats": NTK_PROBE}


@proxy(
    needs=["logit_jacobian_gram"],
    better="lower",
    published_as="NTK condition number",
    oracle="naive loop",
    disagrees="The code of TE-NAS and its ports take the gradient of the sum of the outputs.",
    bounds=(1.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="Jacot et al., NeurIPS 2018 (arXiv 1806.07572) for the kernel, Chen et al., ICLR 2021 "
    "(TE-NAS) for its condition number",
    probes=_PROBES,
)
def ntk_cond_full(stats: Statistics, /) -> float:
    """Condition number of the full-class neural tangent kernel.

    With J the Jacobian of all C outputs of all n samples by all parameters with "weight" in their
    name, [n C, P], and K = J J', the score is

        largest eigenvalue of K / smallest eigenvalue of K.

    Args:
        stats: One pass. Reads `logit_jacobian_gram`, [n C, n C].

    Returns:
        A number >= 1, without unit; lower is better. It grows with the number of samples.

    Raises:
        UndefinedScore: If K is singular (status `inf`), as where two samples are equal or the
            network has fewer than n C weights, or zero.

    Source:
        Jacot et al. 2018. The papers that score networks by a kernel write this one; the code of
        TE-NAS takes the sum of the outputs, which is `ntk_cond`.

    Example:
        >>> import torch
        >>> gram = torch.diag(torch.tensor([8.0, 2.0, 4.0, 4.0], dtype=torch.float64))
        >>> ntk_cond_full(Statistics(n=2, blocks=(), values={"logit_jacobian_gram": gram}))
        4.0
    """
    return condition_number(stats.tensor("logit_jacobian_gram"))


@proxy(
    needs=["logit_jacobian_gram"],
    better="higher",
    published_as="NTK trace",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Shu et al., ICLR 2022 (NASI, arXiv 2109.00817): the trace norm of the kernel",
    probes=_PROBES,
    unit="squared gradient",
)
def ntk_trace_full(stats: Statistics, /) -> float:
    """Trace of the full-class neural tangent kernel.

    With z_ic output c of sample i, the score is

        sum over i, c of | d z_ic / dw |^2.

    Args:
        stats: One pass. Reads `logit_jacobian_gram`, [n C, n C].

    Returns:
        A number >= 0 in output^2 / weight^2; higher is better. It grows with the number of samples
        and of outputs.

    Source:
        Shu et al. 2022; of the sum of outputs, it is `ntk_trace`.

    Example:
        >>> import torch
        >>> gram = torch.diag(torch.tensor([8.0, 2.0, 4.0, 4.0], dtype=torch.float64))
        >>> ntk_trace_full(Statistics(n=2, blocks=(), values={"logit_jacobian_gram": gram}))
        18.0
    """
    return float(stats.tensor("logit_jacobian_gram").trace())
