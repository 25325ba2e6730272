"""SynFlow with normalisation kept, in two published forms."""

from gradalign.proxies._base import proxy
from gradalign.proxies._saliency import SALIENCY, SYNFLOW_BN_PROBE
from gradalign.statistics import Statistics


@proxy(
    needs=[SALIENCY],
    better="higher",
    published_as="SynFlow",
    oracle="published code",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order"},
    source="Abdelfattah et al., ICLR 2021; code, SamsungLabs/zero-cost-nas@a43bfbc, "
    "measures/synflow.py, synflow_bn",
    probes={"stats": SYNFLOW_BN_PROBE},
    unit="output",
)
def synflow_bn(stats: Statistics, /) -> float:
    """SynFlow with normalisation kept in train mode.

    With R the sum of the network's outputs for one input of ones, every parameter replaced by its
    absolute value and normalisation by the statistics of that input, the score is

        sum over weights k of | w_k * dR/dw_k |.

    Args:
        stats: The pass just described. Reads the weight sum of |w dR/dw|.

    Returns:
        A number >= 0 in the unit of the outputs; higher is better.

    Source:
        The code of Abdelfattah et al. 2021, next to `synflow`, in which normalisation is removed.
        Normalised maps have both signs, so that the gradient is no flow of positive terms.

    Example:
        >>> import torch
        >>> sums = {"saliency": torch.tensor([3.0, 1.5], dtype=torch.float64)}
        >>> synflow_bn(Statistics(n=1, blocks=(), values={"weight_sums": sums}))
        4.5
    """
    return float(stats.weight_sum(SALIENCY).sum())


@proxy(
    needs=[SALIENCY],
    better="higher",
    published_as="SynFlow",
    oracle="published code",
    disagrees="The codes of zero-cost-nas, NASLib and FreeREA take normalisation out, and sum "
    "over the weights.",
    bounds=(float("-inf"), 0.0),
    invariant_to={"sample_order"},
    source="port of SynFlow in Lin et al., ICCV 2021 (Zen-NAS); code, idstcv/ZenNAS@d1d617e, "
    "compute_syncflow_score.py",
    probes={"stats": SYNFLOW_BN_PROBE},
    unit="output",
)
def synflow_zennas(stats: Statistics, /) -> float:
    """SynFlow as Zen-NAS has it: normalisation kept, mean over channels, negative.

    With R as in `synflow_bn` and C_b the length of axis 0 of block b (the output channels of a
    convolution or linear layer), the score is

        - sum over b of 1/C_b * sum over k in b of | w_k * dR/dw_k |.

    Args:
        stats: The pass of `synflow_bn`. Reads the weight sum of |w dR/dw|.

    Returns:
        A number <= 0 in the unit of the outputs; higher is better, as the code has it.

    Source:
        The code of Zen-NAS, which draws all weights from N(0, 1) before; here they are what the
        network has.

    Example:
        >>> import torch
        >>> from gradalign.statistics import Block
        >>> sums = {"saliency": torch.tensor([3.0, 1.5], dtype=torch.float64)}
        >>> blocks = (Block("a", (2, 4), 8), Block("b", (3, 2), 6))
        >>> synflow_zennas(Statistics(n=1, blocks=blocks, values={"weight_sums": sums}))
        -2.0
    """
    channels = stats.sizes.new_tensor([block.shape[0] for block in stats.blocks])
    return -float((stats.weight_sum(SALIENCY) / channels).sum())
