"""The page about the records of a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from gradalign.errors import InputError
from gradalign.pages.compared import accuracies_at_hand, check_asked, compare
from gradalign.pages.facts import versions
from gradalign.pages.networks import Networks, by_space, valued
from gradalign.pages.part import part_of
from gradalign.pages.protocols import Conditions, check_protocols
from gradalign.report import Page, Part

Progress = Callable[[int, int], None]
"""Called with the number of accuracies done and that of all."""


def records_page(
    records: pd.DataFrame,
    protocols: Mapping[str, Conditions],
    *,
    name: str,
    benchmark: str | None = None,
    metric: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Page:
    """All that records say: beside accuracies where some are at hand, else alone.

    Args:
        records: One row a record, columns as the fields of `Score`.
        protocols: The conditions by hash.
        name: What the records are of, such as the name of a store.
        benchmark: Name or file of the table to compare with; None: all registered ones at hand
            that hold 3 or more of the networks.
        metric: The one accuracy to compare with; None: all.
        seed: Of the resamples behind the intervals.
        progress: Told about each accuracy that has been compared with.

    Raises:
        InputError: No records, a score with records of several protocols, or a benchmark or metric
            that these networks have no values in.
    """
    if records.empty:
        raise InputError(f"{name} holds no record: there is nothing to show yet")
    pools = by_space(records)
    for pool in pools:
        check_protocols(pool.records, protocols)
    tables = [accuracies_at_hand(pool, benchmark, metric) for pool in pools]
    check_asked([each for own in tables for each in own], benchmark, metric)
    parts, done, total = [], 0, sum(map(len, tables))
    for pool, own in zip(pools, tables, strict=True):
        compared = []
        for table, column in own:
            compared.append(compare(pool.records, table, column, seed=seed))
            done += 1
            if progress is not None:
                progress(done, total)
        parts.append(part_of(pool, compared, protocols=protocols))
    networks = sum(len(pool.models) for pool in pools)
    return Page(
        title=f"Scores of {networks:,} network{'s' * (networks != 1)}",
        lead=_lead(records, pools, parts, name),
        parts=parts,
        facts=[("records", f"{len(records):,} of {name}"), *versions()],
    )


def _lead(records: pd.DataFrame, pools: list[Networks], parts: list[Part], name: str) -> list[str]:
    failed = int((~valued(records)).sum())
    said = "all of them with a value" if not failed else f"{failed:,} of them without a value"
    spaces = ", ".join(f"{len(pool.models):,} of {pool.name}" for pool in pools)
    lines = [
        f"In {name}: {len(records):,} records of {records['proxy'].nunique():,} scores, {said}. "
        f"Networks: {spaces}."
    ]
    if sum(len(part.views) for part in parts) > 1:
        lines.append("Choose below which networks and accuracies are shown.")
    return lines
