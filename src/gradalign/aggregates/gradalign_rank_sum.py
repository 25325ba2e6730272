"""Rank sum of the three GradAlign scores that come from one pass."""

from gradalign.aggregates._base import Aggregate, register

GRADALIGN_RANK_SUM = register(
    Aggregate(
        name="gradalign_rank_sum",
        members=("gradalign_i", "gradalign_ii", "gradalign_plus"),
        source="the rule is that of AZ-NAS (Lee & Ham, CVPR 2024); the members were chosen because "
        "one pass gives all three, not by their ranking quality",
        summary="sum of log(rank / N) over gradalign_i, gradalign_ii and gradalign_plus",
    )
)
