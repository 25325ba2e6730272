"""What other codes count under the name of NASWOT: other units, another mode."""

from gradalign.proxies._activation_code import log_determinant
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics

_INVARIANT = ("sample_order", "loss_scale")
_BOUNDS = (0.0, float("inf"))


@proxy(
    needs=["relu_matches"],
    better="higher",
    published_as="NASWOT",
    oracle="naive loop",
    disagrees="The authors' code leaves out ReLUs that backward does not reach; alethiometer has "
    "eval mode, or the outputs of convolutions and linear layers.",
    bounds=_BOUNDS,
    invariant_to=_INVARIANT,
    source="NASWOT (Mellor et al., ICML 2021, arXiv 2006.04647) as in NAS-Bench-Suite-Zero; code, "
    "automl/NASLib@0b51bc1, measures/nwot.py",
    official={"norm": "batch", "batch_size": 32},
    unit="nats",
)
def nwot(stats: Statistics, /) -> float:
    """Log-determinant of the kernel of activation codes, over every ReLU.

    With K the kernel of `naswot`, but over the ReLUs that no gradient reaches too, the score is

        log det K.

    Args:
        stats: One pass. Reads `relu_matches`, [n, n].

    Returns:
        Nats >= 0; higher is better. It grows with the number of samples and of units.

    Raises:
        UndefinedScore: If there is no ReLU (status `unsupported`), or if K is singular, as where
            two samples have the same code (status `inf`).

    Source:
        NASLib's `nwot`; FreeREA and ZenNAS count the same. Its code uses train mode, which the
        official regime sets.

    Example:
        >>> import torch
        >>> matches = torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
        >>> round(nwot(Statistics(n=2, blocks=(), values={"relu_matches": matches})), 6)  # log 8
        2.079442
    """
    return log_determinant(stats.tensor("relu_matches"), "ReLU")


@proxy(
    needs=["relu_matches"],
    better="higher",
    published_as="NASWOT",
    oracle="published code",
    disagrees="The authors' code takes the ReLUs that backward reaches, in train mode.",
    bounds=_BOUNDS,
    invariant_to=_INVARIANT,
    source="NASWOT in eval mode; code, iViolinSolo/zero-cost-proxies@8054a99 (alethiometer), "
    "zero_cost_metrics/naswot_relu.py",
    probes={"stats": {"norm": "frozen"}},
    unit="nats",
)
def naswot_eval(stats: Statistics, /) -> float:
    """Log-determinant of the kernel of activation codes, over every ReLU in eval mode.

    With K the kernel of `nwot`, but normalisation by running statistics, the score is

        log det K.

    Args:
        stats: One pass with `norm=frozen`. Reads `relu_matches`, [n, n].

    Returns:
        Nats >= 0; higher is better. It grows with the number of samples and of units.

    Raises:
        UndefinedScore: If there is no ReLU (status `unsupported`), or if K is singular, as where
            two samples have the same code (status `inf`; their code gives 0).

    Source:
        The `nwot_relu` of alethiometer.

    Example:
        >>> import torch
        >>> matches = torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
        >>> values = {"relu_matches": matches}
        >>> round(naswot_eval(Statistics(n=2, blocks=(), values=values)), 6)  # log 8
        2.079442
    """
    return log_determinant(stats.tensor("relu_matches"), "ReLU")


@proxy(
    needs=["layer_matches"],
    better="higher",
    published_as="NASWOT",
    oracle="published code",
    disagrees="The authors' code takes the ReLUs that backward reaches, in train mode.",
    bounds=_BOUNDS,
    invariant_to=_INVARIANT,
    source="NASWOT on the outputs of weight layers; code, iViolinSolo/zero-cost-proxies@8054a99 "
    "(alethiometer), zero_cost_metrics/naswot.py",
    probes={"stats": {"norm": "frozen"}},
    unit="nats",
)
def naswot_conv(stats: Statistics, /) -> float:
    """Log-determinant of the kernel of codes of layer outputs, in eval mode.

    With c_i the code of sample i, which entries of the outputs of all convolutions and linear
    layers (the classifier's too) are positive, and K_ij the number of entries on the same side of
    zero for both samples i and j, the score is

        log det K.

    Normalisation uses its running statistics.

    Args:
        stats: One pass with `norm=frozen`. Reads `layer_matches`, [n, n].

    Returns:
        Nats >= 0; higher is better. It grows with the number of samples and of units.

    Raises:
        UndefinedScore: If there is no such layer (status `unsupported`), or if K is singular, as
            where two samples have the same code (status `inf`; their code gives 0).

    Source:
        The `nwot` of alethiometer.

    Example:
        >>> import torch
        >>> matches = torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
        >>> values = {"layer_matches": matches}
        >>> round(naswot_conv(Statistics(n=2, blocks=(), values=values)), 6)  # log 8
        2.079442
    """
    return log_determinant(stats.tensor("layer_matches"), "convolution or linear layer")


@proxy(
    needs=["gelu_matches"],
    better="higher",
    published_as="NASWOT",
    oracle="naive loop",
    bounds=_BOUNDS,
    invariant_to=_INVARIANT,
    source="NASWOT on GELUs, as for vision transformers in Zhou et al., CVPR 2022 (TF-TAS, arXiv "
    "2203.12217); the units are our own choice",
    unit="nats",
)
def naswot_gelu(stats: Statistics, /) -> float:
    """Log-determinant of the kernel of activation codes, over every GELU and SiLU.

    With c_i the code of sample i (which inputs of a GELU or SiLU are positive) and K_ij the number
    of inputs on the same side of zero for both samples i and j, the score is

        log det K.

    Args:
        stats: One pass. Reads `gelu_matches`, [n, n].

    Returns:
        Nats >= 0; higher is better. It grows with the number of samples and of units.

    Raises:
        UndefinedScore: If there is no GELU and no SiLU (status `unsupported`), or if K is singular,
            as where two samples have the same code (status `inf`).

    Source:
        Transformers have no ReLU, so their users take the GELUs. Modules and functional calls
        count; formulas written out do not (such as `gelu_new` of transformers).

    Example:
        >>> import torch
        >>> matches = torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
        >>> values = {"gelu_matches": matches}
        >>> round(naswot_gelu(Statistics(n=2, blocks=(), values=values)), 6)  # log 8
        2.079442
    """
    return log_determinant(stats.tensor("gelu_matches"), "GELU or SiLU")
