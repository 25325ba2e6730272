"""VKDNW with four other scores."""

from gradalign.aggregates._base import Aggregate, register

VKDNW_AGGREGATE = register(
    Aggregate(
        name="vkdnw_aggregate",
        members=("vkdnw", "jacob_cov", "az_expressivity", "az_trainability", "flops"),
        source="Tybl & Neumann, CVPR 2025 (arXiv 2502.04975), equation 15; authors' code, "
        "ondratybl/VKDNW@6901b65, NB201/tss_utils.py, where it is the sum of log(rank)",
        summary="sum of log(rank / N) over VKDNW, Jacobian covariance, expressivity, "
        "trainability and FLOPs",
    )
)
