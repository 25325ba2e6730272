"""TE-NAS: trainability by the tangent kernel, expressivity by linear regions."""

from gradalign.aggregates._base import Aggregate, Ranks, register


def rank_sum(ranks: Ranks) -> Ranks:
    """Sum over members of the rank."""
    combined: Ranks = ranks.sum(axis=0)
    return combined


TE_NAS = register(
    Aggregate(
        name="te_nas",
        members=("ntk_cond", "linear_regions"),
        rule=rank_sum,
        source="Chen, Gong & Wang, ICLR 2021 (arXiv 2102.11535); authors' code, "
        "VITA-Group/TENAS@9df78ff",
        summary="sum of the ranks by the tangent kernel's condition number and by linear regions",
    )
)
