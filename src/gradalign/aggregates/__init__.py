"""Rank aggregates over a pool of networks: one file each, looked up by name in `AGGREGATES`."""

from gradalign.aggregates._base import AGGREGATES, Aggregate, pool_ranks, rank_sum_log, register
from gradalign.aggregates._combination import parse_combination

__all__ = [
    "AGGREGATES",
    "Aggregate",
    "parse_combination",
    "pool_ranks",
    "rank_sum_log",
    "register",
]
