"""The figures that a page shows first."""

from __future__ import annotations

from gradalign.comparison import inseparable
from gradalign.evaluation import Row
from gradalign.pages.compared import Compared
from gradalign.pages.kinds import is_size
from gradalign.pages.networks import Networks, valued
from gradalign.pages.rows import best_of, short
from gradalign.report import Highlight


def compared_highlights(compared: Compared) -> list[Highlight]:
    """The best score, the best size, short training, and what the best score picks."""
    found = compared.evaluation
    shown = [
        Highlight(
            value=f"{found.n:,}", label="networks", detail=f"with a value of {compared.title}"
        )
    ]
    best = best_of(found)
    if best is not None:
        others = len(inseparable(found)) - 1
        near = f"{others} more cannot be told apart from it" if others else "ahead of all others"
        shown.append(_tau(best, f"the highest tau; {near}"))
    size = next((r for r in found.rows if is_size(r.proxy) and r.kendall_tau is not None), None)
    if size is not None and size is not best:
        shown.append(_tau(size, "the best measure of size"))
    shown += [_tau(row, f"cost: {row.cost}") for row in found.rows if row.cost is not None]
    if best is not None and best.picked is not None:
        top = float(compared.pool.accuracy.max())
        shown.append(
            Highlight(
                value=f"{best.picked:.2f}{' %' if compared.percent else ''}",
                label=f"picked by {best.proxy}",
                detail=f"the best of all has {top:.2f}",
            )
        )
    return shown


def plain_highlights(networks: Networks) -> list[Highlight]:
    """How much there is, where there is no accuracy."""
    records = networks.records
    failed = int((~valued(records)).sum())
    return [
        Highlight(value=f"{len(networks.models):,}", label="networks", detail=networks.name),
        Highlight(value=f"{len(networks.proxies):,}", label="scores", detail="measured"),
        Highlight(
            value=f"{failed:,}", label="records without a value", detail=f"of {len(records):,}"
        ),
    ]


def _tau(row: Row, detail: str) -> Highlight:
    return Highlight(value=short(row.kendall_tau), label=row.proxy, detail=detail)
