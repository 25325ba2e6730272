"""Number of ReLU units: the baseline of every score that reads activation codes."""

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["relu_units"],
    better="higher",
    oracle="independent code",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="trivial baseline",
    kind="size",
    unit="units",
)
def relu_units(stats: Statistics, /) -> float:
    """Number of ReLU units for one sample.

    Args:
        stats: One pass. Reads `relu_units`: of every ReLU call at the probe's input size, whether a
            gradient reaches it or not.

    Returns:
        A count >= 0; higher is better.

    Source:
        Trivial baseline.

    Example:
        >>> import torch
        >>> relu_units(Statistics(n=2, blocks=(), values={"relu_units": torch.tensor(8)}))
        8.0
    """
    return float(stats.tensor("relu_units"))
