"""VKDNW: how evenly the weights of a network are known, and how many tensors they are."""

import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics

_SOURCE = (
    "Tybl & Neumann, CVPR 2025 (arXiv 2502.04975), equation {}; authors' code, "
    "ondratybl/VKDNW@6901b65, compute_vkdnw_score.py"
)
_OFFICIAL = {"norm": "frozen", "data": "noise", "batch_size": 64, "weights": "kaiming_fan_in"}


def _entropy(stats: Statistics) -> float:
    """Entropy of the deciles of the Fisher spectrum, in nats."""
    spectrum = stats.tensor("fisher_spectrum")
    levels = torch.arange(1, 10, dtype=spectrum.dtype) / 10
    deciles = torch.quantile(spectrum, levels)
    if not float(deciles.sum()) > 0:
        raise UndefinedScore("nine tenths of the Fisher matrix's eigenvalues are zero")
    share = deciles / (deciles.sum() + 1e-10)
    return float(-(share * (share + 1e-10).log()).sum())


@proxy(
    needs=["fisher_spectrum"],
    better="higher",
    published_as="VKDNW",
    oracle="published code",
    disagrees="By its default, `p=0`, the authors' code reads no weight; this is `p=1`.",
    invariant_to={"sample_order", "loss_scale"},
    source=_SOURCE.format(11),
    official=_OFFICIAL,
    unit="nats",
)
def vkdnw_entropy(stats: Statistics, /) -> float:
    """How even the deciles of the empirical Fisher matrix's spectrum are.

    With q_1 to q_9 the deciles (10 % to 90 %) of the eigenvalues of the Fisher matrix of one weight
    of each of the first 128 parameter tensors, and p_k = q_k / (sum of q + 1e-10), the score is

        - sum over k of p_k log(p_k + 1e-10).

    Args:
        stats: One pass. Reads `fisher_spectrum`.

    Returns:
        Nats, from 0 to log 9 but for the constants; higher is better.

    Raises:
        UndefinedScore: If nine tenths of the spectrum are zero.

    Source:
        Tybl & Neumann 2025. Their code draws 64 inputs of noise and the weights by He's rule (fan
        in) and evaluates in eval mode, which the official regime sets; it weights the Jacobian with
        the Cholesky factor of the outputs' covariance where the Fisher matrix has its transpose,
        and so does this. With its default of `p=0` it reads no weight at all; this is `p=1`.

    Example:
        >>> values = {"fisher_spectrum": torch.ones(20, dtype=torch.float64)}
        >>> round(vkdnw_entropy(Statistics(n=3, blocks=(), values=values)), 6)  # log 9
        2.197225
    """
    return _entropy(stats)


@proxy(
    needs=["parameter_tensors"],
    better="higher",
    published_as="VKDNW",
    oracle="published code",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source=_SOURCE.format(12),
    kind="size",
    unit="tensors",
)
def vkdnw_dim(stats: Statistics, /) -> float:
    """Number of parameter tensors: what stands for the number of layers in VKDNW.

    Args:
        stats: One pass. Reads `parameter_tensors`: vectors count too, and query, key and value
            of an attention layer each by themselves.

    Returns:
        A count; higher is better.

    Source:
        Tybl & Neumann 2025, where it is the number of layers with weights; their code counts
        tensors.

    Example:
        >>> values = {"parameter_tensors": torch.tensor(57.0)}
        >>> vkdnw_dim(Statistics(n=3, blocks=(), values=values))
        57.0
    """
    return float(stats.tensor("parameter_tensors"))


@proxy(
    needs=["fisher_spectrum", "parameter_tensors"],
    better="higher",
    published_as="VKDNW",
    oracle="naive loop",
    disagrees="The authors' code for NAS-Bench-201 ranks by the number of tensors first and by "
    "the entropy among equals; that for MobileNetV2 adds the two, as here.",
    invariant_to={"sample_order", "loss_scale"},
    source=_SOURCE.format(12),
    official=_OFFICIAL,
)
def vkdnw(stats: Statistics, /) -> float:
    """VKDNW as a single score: number of parameter tensors plus entropy.

    The score is

        vkdnw_dim + vkdnw_entropy.

    Args:
        stats: One pass. Reads `parameter_tensors` and `fisher_spectrum`.

    Returns:
        A number >= 0 but for the constants, without unit; higher is better. The entropy, below
        2.2, decides only between networks of nearly as many tensors.

    Raises:
        UndefinedScore: If nine tenths of the spectrum are zero.

    Source:
        Tybl & Neumann 2025, and their code for MobileNetV2; that for NAS-Bench-201 ranks by the
        number first and by the entropy among equals, which is the same order there.

    Example:
        >>> spectrum = torch.ones(20, dtype=torch.float64)
        >>> values = {"fisher_spectrum": spectrum, "parameter_tensors": torch.tensor(57.0)}
        >>> round(vkdnw(Statistics(n=3, blocks=(), values=values)), 6)
        59.197225
    """
    return float(stats.tensor("parameter_tensors")) + _entropy(stats)
