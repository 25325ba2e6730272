"""What could not be measured: every status and reason, with how often and where."""

from __future__ import annotations

import pandas as pd

from gradalign.pages.networks import Networks, valued
from gradalign.report import Cell, Column, SortableTable

EXAMPLES = 3
"""Networks that are named for each reason."""

REASONS = 100
"""Reasons that have a row of their own; those of a few records beyond that share the last one."""

COLUMNS = (
    Column(title="status", numeric=False),
    Column(title="reason", numeric=False, folded=True),
    Column(title="records"),
    Column(title="networks"),
    Column(title="scores", numeric=False, folded=True),
    Column(title="such as", numeric=False, folded=True),
)


def failure_table(networks: Networks) -> SortableTable | None:
    """A row for each status and reason, the most frequent first; None where nothing failed."""
    failed = networks.records[~valued(networks.records)]
    if failed.empty:
        return None
    named = failed.assign(reason=failed["reason"].fillna("no reason is recorded"))
    groups = [own for _, own in named.groupby(["status", "reason"], sort=False)]
    groups.sort(key=lambda own: -len(own))
    everything = set(networks.proxies)
    rows = [
        _row(own, str(own["status"].iloc[0]), str(own["reason"].iloc[0]), everything)
        for own in groups
    ]
    if len(groups) > REASONS:
        rest = pd.concat(groups[REASONS:])
        statuses = ", ".join(dict.fromkeys(map(str, rest["status"])))
        rows[REASONS:] = [
            _row(rest, statuses, f"{len(groups) - REASONS:,} other reasons", everything)
        ]
    return SortableTable(columns=COLUMNS, rows=rows)


def failure_note(networks: Networks) -> str:
    """How much failed, in a sentence or two."""
    records = networks.records
    failed = records[~valued(records)]
    if failed.empty:
        return f"Nothing: all {len(records):,} records have a value."
    return (
        f"{len(failed):,} of {len(records):,} records have no value; they are of "
        f"{failed['model'].nunique():,} of {len(networks.models):,} networks. In a table a network "
        "whose score failed is ranked last, and counted; in a chart it has no point."
    )


def _row(records: pd.DataFrame, status: str, reason: str, everything: set[str]) -> list[Cell]:
    models = list(dict.fromkeys(map(str, records["model"])))
    proxies = list(dict.fromkeys(map(str, records["proxy"])))
    whole = len(proxies) > 1 and set(proxies) == everything
    scores = f"all {len(proxies)}" if whole else ", ".join(proxies)
    more = f" and {len(models) - EXAMPLES:,} more" if len(models) > EXAMPLES else ""
    return [
        Cell(text=status, key=status),
        Cell(text=reason, key=reason),
        Cell(text=f"{len(records):,}", key=len(records)),
        Cell(text=f"{len(models):,}", key=len(models)),
        Cell(text=scores, key=scores),
        Cell(text="; ".join(models[:EXAMPLES]) + more, key=models[0]),
    ]
