"""The parts of AZ-NAS that are no size: how blocks spread features, and pass gradients on."""

import torch
from torch import Tensor

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics

_SOURCE = (
    "Lee & Ham, CVPR 2024 (arXiv 2403.19232); authors' code, cvlab-yonsei/AZ-NAS@5e6683a, "
    "NB201/ZeroShotProxy/compute_az_nas_score.py"
)
_OFFICIAL = {"norm": "batch", "data": "noise", "batch_size": 64, "weights": "kaiming_fan_in"}


def _entropies(stats: Statistics) -> Tensor:
    """Entropy of the spectrum of each feature, [K], in nats."""
    entropies = []
    for spectrum in stats.tensors("block_spectra"):
        values = spectrum.clamp_min(0)  # rounding
        if not float(values.sum()) > 0:
            raise UndefinedScore("the output of a block does not vary between samples or positions")
        share = values / values.sum()
        entropies.append(-(share * (share + 1e-8).log()).sum())
    return torch.stack(entropies)


@proxy(
    needs=["block_spectra"],
    better="higher",
    oracle="published code",
    disagrees="The same repository's code for AutoFormer leaves the weights as they are.",
    invariant_to={"sample_order", "loss_scale"},
    source=_SOURCE,
    official=_OFFICIAL,
    unit="nats",
)
def az_expressivity(stats: Statistics, /) -> float:
    """How evenly the features of the blocks use their channels, summed over blocks.

    With p_kc the eigenvalues of the channel covariance of feature k (over samples and positions),
    scaled to sum 1, the score is

        sum over features k of H_k,    H_k = - sum over c of p_kc log(p_kc + 1e-8).

    The features are those of the stem and of every block, in forward order; of transformers, the
    residual stream after every addition to it.

    Args:
        stats: One pass. Reads `block_spectra`.

    Returns:
        Nats, 0 or more but for the constant; higher is better. It grows with depth and width.

    Raises:
        UndefinedScore: If a feature is constant.

    Source:
        Lee & Ham 2024. Their code draws 64 inputs of noise and the weights by He's rule (fan in),
        and normalises in train mode, which the official regime sets; for AutoFormer it keeps the
        weights as they are.

    Example:
        >>> spectra = (torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]))
        >>> values = {"block_spectra": spectra}
        >>> round(az_expressivity(Statistics(n=3, blocks=(), values=values)), 5)  # log 2
        0.69315
    """
    return float(_entropies(stats).sum())


@proxy(
    needs=["block_spectra"],
    better="higher",
    oracle="published code",
    disagrees="The same repository's code for AutoFormer has no such part.",
    invariant_to={"sample_order", "loss_scale"},
    source=_SOURCE,
    official=_OFFICIAL,
    unit="nats",
)
def az_progressivity(stats: Statistics, /) -> float:
    """Smallest increase of the features' entropy from one block to the next.

    With H_k as in `az_expressivity`, the score is

        min over k of H_k+1 - H_k.

    Args:
        stats: One pass. Reads `block_spectra`.

    Returns:
        Nats of either sign; higher is better.

    Raises:
        UndefinedScore: If a feature is constant.

    Source:
        Lee & Ham 2024, under the conditions of `az_expressivity`; for AutoFormer their code leaves
        it out.

    Example:
        >>> spectra = (torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]))
        >>> values = {"block_spectra": spectra}
        >>> round(az_progressivity(Statistics(n=3, blocks=(), values=values)), 5)
        0.69315
    """
    return float(_entropies(stats).diff().min())


@proxy(
    needs=["block_gains"],
    better="higher",
    oracle="published code",
    disagrees="The same repository's code for AutoFormer leaves out the blocks that hand their "
    "input on.",
    bounds=(float("-inf"), 1e-6),
    invariant_to={"loss_scale"},
    source=_SOURCE,
    official=_OFFICIAL,
)
def az_trainability(stats: Statistics, /) -> float:
    """How near to 1 the gain of every block is for gradients on their way back.

    With s_k the largest singular value of the mean over samples and positions of g d', d random
    signs at the output of block k and g the gradient that they become at its input, the score is

        mean over blocks k of - s_k - 1 / (s_k + 1e-6) + 2.

    Args:
        stats: One pass. Reads `block_gains`.

    Returns:
        A number of at most 0 but for the constant, without unit; higher is better. A block that
        lets nothing pass brings -1e6 / blocks.

    Raises:
        UndefinedScore: If a block hands its input on unchanged (the authors' -inf: status `inf`).

    Source:
        Lee & Ham 2024, under the conditions of `az_expressivity`; the signs come from the seed. For
        AutoFormer their code leaves out what hands its input on.

    Example:
        >>> values = {"block_gains": torch.tensor([1.0, 2.0], dtype=torch.float64)}
        >>> round(az_trainability(Statistics(n=3, blocks=(), values=values)), 5)
        -0.25
    """
    gain = stats.tensor("block_gains")
    if bool(gain.isnan().any()):
        raise UndefinedScore("a block hands its input on unchanged", status="inf")
    return float((-gain - 1 / (gain + 1e-6) + 2).mean())
