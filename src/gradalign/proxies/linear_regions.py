"""Linear regions: into how many activation codes a batch falls."""

from gradalign.proxies._activation_code import require_units
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["activation_matches"],
    better="higher",
    oracle="published code",
    bounds=(1.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="Chen et al., ICLR 2021 (TE-NAS, arXiv 2102.11535): number of linear regions "
    "by sampling; authors' code, VITA-Group/TENAS@9df78ff, linear_region_counter.py",
    official={"norm": "batch"},
    unit="codes",
)
def linear_regions(stats: Statistics, /) -> float:
    """Number of distinct activation codes among the samples.

    Samples with the same code (the same ReLU units on) lie in one linear region of the network as a
    function of its input; the score is how many regions the batch meets.

    Args:
        stats: One pass. Reads `activation_matches`, [n, n], and `activation_units`.

    Returns:
        A count in [1, n]; higher is better. For nearly every network of ordinary width it is n, so
        that it ranks nothing.

    Raises:
        UndefinedScore: If there is no ReLU (status `unsupported`).

    Source:
        Chen et al. 2021 count 3,000 tiny random inputs on thinned networks, where the count does
        not saturate. Here it is taken on the network and the batch at hand, in train mode as by
        their code (`norm=batch`) where the official regime is asked for.

    Example:
        >>> import torch
        >>> matches = torch.tensor([[3.0, 3.0, 1.0], [3.0, 3.0, 1.0], [1.0, 1.0, 3.0]])
        >>> values = {"activation_matches": matches, "activation_units": 3}
        >>> linear_regions(Statistics(n=3, blocks=(), values=values))
        2.0
    """
    same = stats.activation_matches == require_units(stats)  # [n, n], an equivalence relation
    repeats_an_earlier = same.tril(-1).any(-1)  # [n]
    return float((~repeats_an_earlier).sum())
