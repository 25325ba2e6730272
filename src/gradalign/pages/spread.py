"""The table of a view without accuracies: how the values of each score are spread."""

from __future__ import annotations

import numpy as np

from gradalign.comparison.table import GROUPS
from gradalign.pages.kinds import better_of, kind_of, unit_of
from gradalign.pages.networks import Networks
from gradalign.report import Cell, Column, SortableTable

COLUMNS = (
    Column(title="score", numeric=False),
    Column(title="networks", meaning="Networks with a value"),
    Column(title="failed", meaning="Networks that were tried and have none"),
    Column(title="lowest"),
    Column(title="median"),
    Column(title="highest"),
    Column(title="unit", numeric=False),
    Column(title="seconds", meaning="Mean of a record, the pass included"),
    Column(title="kind", numeric=False),
)


def spread_table(networks: Networks) -> SortableTable:
    """A row for each score that was tried."""
    return SortableTable(
        columns=COLUMNS, rows=[_row(networks, str(name)) for name in networks.values]
    )


def _row(networks: Networks, name: str) -> list[Cell]:
    values = networks.values[name].dropna().to_numpy(np.float64)
    own = networks.records[networks.records["proxy"] == name]
    tried = own["model"].nunique() if len(own) else len(networks.models)
    seconds = float((own["seconds"] + own["pass_seconds"]).mean()) if len(own) else None
    ends = [float(each(values)) if len(values) else None for each in (np.min, np.median, np.max)]
    kind = GROUPS[kind_of(name)]
    return [
        Cell(text=name, key=name, detail="low is better" if better_of(name) == "lower" else ""),
        Cell(text=f"{len(values):,}", key=len(values)),
        Cell(text=f"{tried - len(values):,}", key=tried - len(values)),
        *(Cell(text=number(end), key=end) for end in ends),
        Cell(text=unit_of(name), key=unit_of(name)),
        Cell(text=number(seconds, 2), key=seconds),
        Cell(text=kind, key=kind),
    ]


def number(value: float | None, digits: int = 4) -> str:
    """A number to read: `digits` digits, thousands apart, a dash where there is none.

    Example:
        >>> number(270850.0), number(0.92742), number(1.5e-7), number(None)
        ('270,850', '0.9274', '1.5e-07', '-')
    """
    if value is None:
        return "-"
    whole = 10 ** (digits - 1) <= abs(value) < 1e12
    return f"{value:,.0f}" if whole else f"{value:.{digits}g}"
