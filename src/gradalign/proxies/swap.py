"""SWAP: how many different sets of samples switch a ReLU unit on."""

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["relu_patterns"],
    better="higher",
    oracle="published code",
    bounds=(1.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="Peng et al., ICLR 2024 (arXiv 2403.04161); authors' code, pym1024/SWAP@f6049f7, "
    "src/metrics/swap.py",
    official={"norm": "batch", "batch_size": 16, "weights": "gaussian"},
    unit="patterns",
)
def swap(stats: Statistics, /) -> float:
    """Number of distinct activation patterns of the ReLU units over the samples.

    The pattern of a unit is the set of samples for which it is on: a column of the matrix of codes,
    [n, units], whose rows `linear_regions` counts. The score is the number of distinct columns.

    Args:
        stats: One pass. Reads `relu_patterns`: over the ReLU units on feature maps (tensors of four
            axes), or over all ReLU units where there is none on a map.

    Returns:
        A count >= 1; higher is better. It is at most 2^n and at most the number of units: with few
        samples it is the former, with many nearly the latter.

    Raises:
        UndefinedScore: If there is no ReLU (status `unsupported`).

    Source:
        Peng et al. 2024. Their code has 16 images in train mode and initialisations from N(0, 1),
        which the official regime sets, and averages 32 of these: here one, and more where repeats
        are asked for. It counts ReLUs on maps only, so that it has no value where there is none.
        Their regularised score, exp(-(params - mu)^2 / sigma) times this one, takes mu and sigma
        from the space and is left out.

    Example:
        >>> import torch
        >>> swap(Statistics(n=2, blocks=(), values={"relu_patterns": torch.tensor(3)}))
        3.0
    """
    patterns = int(stats.tensor("relu_patterns"))
    if patterns == 0:
        raise UndefinedScore("the network has no ReLU, so no activation pattern", "unsupported")
    return float(patterns)
