"""The neural tangent kernel of the sum of outputs: condition number, trace, mean, stability."""

from torch import Tensor

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import Estimate, proxy
from gradalign.proxies._jackknife import jackknifed, total_left_out
from gradalign.proxies._kernel import NTK_PROBE, condition_number, spectrum
from gradalign.statistics import Statistics

_PROBES = {"stats": NTK_PROBE}


def _traces(stats: Statistics) -> Tensor:
    return stats.squared_norms.sum(1)


@proxy(
    needs=["gram"],
    better="lower",
    published_as="NTK condition number",
    oracle="published code",
    disagrees="The port in MeCo normalises by running statistics; those in AZ-NAS and Zen-NAS "
    "give the negative.",
    bounds=(1.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="Chen et al., ICLR 2021 (TE-NAS, arXiv 2102.11535), equation 3; authors' code, "
    "VITA-Group/TENAS@9df78ff, lib/procedures/ntk.py",
    probes=_PROBES,
    official={"norm": "batch_exact", "batch_size": 72},
)
def ntk_cond(stats: Statistics, /) -> float:
    """Condition number of the neural tangent kernel.

    With z_ic output c of sample i, h_i = d( sum over c of z_ic ) / dw over all parameters with
    "weight" in their name, and K_ij = <h_i, h_j>, the score is

        largest eigenvalue of K / smallest eigenvalue of K.

    Args:
        stats: A pass on these gradients. Reads `gram`, [L, n, n], summed over blocks.

    Returns:
        A number >= 1, without unit; lower is better: directions that are learnt as fast as each
        other. It grows with the number of samples. 1 for one sample.

    Raises:
        UndefinedScore: If K is singular, as where two samples are equal (status `inf`), or zero.

    Source:
        Chen et al. 2021. Their code takes the sum of the outputs, not the full Jacobian (which is
        `ntk_cond_full`), weights of normalisation layers, no biases, 72 images of NAS-Bench-201's
        data and train mode, with gradients through the batch statistics: `norm=batch_exact`. The
        ports in MeCo (running statistics: `norm=frozen`), AZ-NAS and Zen-NAS (negated) are the
        same.

    Example:
        >>> import torch
        >>> gram = torch.tensor([[[4.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
        >>> ntk_cond(Statistics(n=2, blocks=(), values={"gram": gram}))
        4.0
    """
    return condition_number(stats.gram.sum(0))


@proxy(
    needs=["squared_norms"],
    better="higher",
    published_as="NTK trace",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Shu et al., ICLR 2022 (NASI, arXiv 2109.00817): the trace norm of the kernel, here of "
    "the sum of outputs",
    probes=_PROBES,
    unit="squared gradient",
    block_terms=_traces,
)
def ntk_trace(stats: Statistics, /) -> float:
    """Trace of the neural tangent kernel.

    With h_i as in `ntk_cond`, the score is

        sum over samples i of | h_i |^2.

    Args:
        stats: A pass on these gradients. Reads `squared_norms`, [L, n].

    Returns:
        A number >= 0 in output^2 / weight^2; higher is better. It grows with the number of samples.

    Source:
        Shu et al. 2022 bound the loss of a trained network by the trace norm of its kernel, of all
        outputs (`ntk_trace_full`), and estimate it by the gradient of a batch.

    Example:
        >>> import torch
        >>> squares = torch.tensor([[4.0, 1.0], [2.0, 0.0]], dtype=torch.float64)
        >>> ntk_trace(Statistics(n=2, blocks=(), values={"squared_norms": squares}))
        7.0
    """
    return float(_traces(stats).sum())


@proxy(
    needs=["gram"],
    better="higher",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="the mean of the Gram matrix of Xu et al., ICML 2021 (KNAS, arXiv 2111.13293), of "
    "outputs in place of losses",
    probes=_PROBES,
    unit="squared gradient",
)
def ntk_mean(stats: Statistics, /) -> Estimate:
    """Mean of the neural tangent kernel.

    With h_i as in `ntk_cond`, the score is

        1/n^2 * sum over i, j of <h_i, h_j>.

    Args:
        stats: A pass on these gradients. Reads `gram`, [L, n, n], summed over blocks.

    Returns:
        A number >= 0 in output^2 / weight^2; higher is better. The standard error is the
        jackknife's; none for one sample.

    Source:
        Mok et al., CVPR 2022 (arXiv 2203.14577) compare it with the condition number; Xu et al.
        2021 take the gradients of the losses, which is `knas`.

    Example:
        >>> import torch
        >>> gram = torch.tensor([[[4.0, 1.0], [1.0, 2.0]]], dtype=torch.float64)
        >>> ntk_mean(Statistics(n=2, blocks=(), values={"gram": gram})).value
        2.0
    """
    gram = stats.gram.sum(0)
    return jackknifed(
        gram.sum().clamp_min(0) / stats.n**2,
        total_left_out(gram).clamp_min(0) / (stats.n - 1) ** 2,
    )


@proxy(
    needs=["gram"],
    better="lower",
    oracle="naive loop",
    bounds=(0.0, 1.0),
    invariant_to={"sample_order", "loss_scale"},
    source="our own measure of what Mok et al., CVPR 2022 (arXiv 2203.14577) ask of a kernel: that "
    "it does not hang on the draw",
    probes={"first": {**NTK_PROBE, "part": 0}, "second": {**NTK_PROBE, "part": 1}},
)
def ntk_stability(*, first: Statistics, second: Statistics) -> float:
    """How far the spectra of the kernel on two batches are apart.

    With l and m the eigenvalues of the kernel of `ntk_cond` on two batches of one draw, both in
    descending order, the score is

        | l - m | / ( | l | + | m | ).

    By the theorem of Hoffman and Wielandt | l - m | is the least Frobenius distance that the two
    kernels can have, however the samples of one batch are mixed.

    Args:
        first: Pass on one batch. Reads `gram`, [L, n, n], summed over blocks.
        second: Pass on the next batch of the same draw, of as many samples.

    Returns:
        A share in [0, 1]; lower is better. 0: the same spectrum. It falls with the number of
        samples. How far it moves with the initialization is what repeats show.

    Raises:
        UndefinedScore: If a kernel is zero, or the batches differ in size.

    Source:
        Mok et al. 2022 doubt scores of a kernel at initialization as that of a network of finite
        width moves; no source defines how much. An infinitely wide network has one kernel.

    Example:
        >>> import torch
        >>> def batch(*diagonal):
        ...     gram = torch.diag(torch.tensor(diagonal, dtype=torch.float64))[None]
        ...     return Statistics(n=2, blocks=(), values={"gram": gram})
        >>> ntk_stability(first=batch(4.0, 3.0), second=batch(3.0, 4.0))
        0.0
        >>> ntk_stability(first=batch(3.0, 4.0), second=batch(9.0, 12.0))  # 10 / (5 + 15)
        0.5
    """
    one, two = spectrum(first.gram.sum(0)), spectrum(second.gram.sum(0))
    if first.n != second.n:
        raise UndefinedScore("the two batches differ in size")
    return float((one - two).norm() / (one.norm() + two.norm()))
