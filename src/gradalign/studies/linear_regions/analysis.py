"""What the counts are worth on a benchmark: rank statistics and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from gradalign.benchmarks import Benchmark
from gradalign.comparison import difference, evaluated
from gradalign.evaluation import Evaluation, Row, evaluate
from gradalign.studies.linear_regions.counting import MEANINGS, SIZES
from gradalign.studies.linear_regions.verdicts import verdict

Network = Mapping[str, Any]
"""`arch`, its `accuracy`, and `values` and `reasons` by name of count or size."""

EXACT = "line_regions"
"""The count that the sampled ones are held against."""


def records(networks: Sequence[Network]) -> pd.DataFrame:
    """All counts and sizes as records of scores; failed ones without a value."""
    return pd.DataFrame(
        [
            {
                "model": network["arch"],
                "proxy": name,
                "value": network["values"].get(name),
                "status": "ok" if name in network["values"] else _status(network, name),
            }
            for network in networks
            for name in (*MEANINGS, *SIZES)
        ]
    )


def _status(network: Network, name: str) -> str:
    return str(network["reasons"].get(name, "error")).partition(":")[0]


def analysed(
    networks: Sequence[Network], benchmark: Benchmark, metric: str, seed: int
) -> dict[str, Any]:
    """Verdicts and rank statistics of all counts on one benchmark.

    Args:
        networks: Those that were measured.
        benchmark: Their trained accuracies.
        metric: The accuracy.
        seed: Of the resamples.
    """
    scores = records(networks)
    found = evaluated(scores, benchmark, metric, seed=seed)
    return {
        "benchmark": benchmark.name,
        "metric": metric,
        "n": found.n,
        "rows": [row.to_dict() for row in found.rows],
        "baselines": found.to_dict()["baselines"],
        "exact": agreement(networks, seed),
        "verdicts": [_judged(name, found, networks) for name in MEANINGS],
    }


def agreement(networks: Sequence[Network], seed: int) -> list[dict[str, Any]]:
    """Tau of each sampled count with the exact one, over the networks that have the exact one."""
    counted = [network for network in networks if EXACT in network["values"]]
    if len(counted) < len(networks) / 2 or len(counted) < 3:
        return []
    truth = pd.DataFrame(
        {
            "arch": [network["arch"] for network in counted],
            EXACT: [network["values"][EXACT] for network in counted],
        }
    )
    scores = records(counted)
    found = evaluate(scores[scores["proxy"] != EXACT], truth, EXACT, name="exact", seed=seed)
    return [
        {"count": row.proxy, "n": row.n, "tau": row.kendall_tau, "ci": row.kendall_tau_ci}
        for row in found.rows
        if row.proxy in MEANINGS
    ]


def _judged(name: str, found: Evaluation, networks: Sequence[Network]) -> dict[str, Any]:
    """The verdict on a count, with all that it rests on."""
    row = found.row(name)
    size = best_size(found)
    less = None if size is None else difference(found, name, size.proxy)
    values = [network["values"][name] for network in networks if name in network["values"]]
    distinct = len(set(values))
    constant = distinct < 2
    return {
        "benchmark": found.benchmark,
        "metric": found.metric,
        "count": name,
        "verdict": verdict(distinct, less.difference_ci if less else None, row.partial_tau_ci),
        "tau": None if constant else row.kendall_tau,
        "tau_ci": None if constant else row.kendall_tau_ci,
        "size": None if size is None else size.proxy,
        "size_tau": None if size is None else size.kendall_tau,
        "difference": None if constant or less is None else less.difference,
        "ci": None if constant or less is None else less.difference_ci,
        "partial_tau": None if constant else row.partial_tau,
        "partial_tau_ci": None if constant else row.partial_tau_ci,
        "n": row.n,
        "failed": row.failed,
        "reasons": sorted({n["reasons"][name] for n in networks if name in n["reasons"]}),
        "distinct": distinct,
        "most": max(values, default=None),
        "at_most": values.count(max(values)) / len(values) if values else None,
        "precision5": row.precision5,
        "top10_tau": row.top10_tau,
        "picked": row.picked,
        "regret": row.regret,
    }


def best_size(found: Evaluation) -> Row | None:
    """The measure of size with the highest tau; None where none has one."""
    rows = [found.row(name) for name in SIZES]
    known = [row for row in rows if row.kendall_tau is not None]
    return max(known, key=lambda row: row.kendall_tau or 0.0, default=None)
