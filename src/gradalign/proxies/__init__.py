"""Training-free scores: one file each, looked up by name in `PROXIES`."""

from gradalign.proxies._base import (
    PROXIES,
    Direction,
    Estimate,
    Kind,
    Oracle,
    ProbeChanges,
    Proxy,
    proxy,
)

__all__ = ["PROXIES", "Direction", "Estimate", "Kind", "Oracle", "ProbeChanges", "Proxy", "proxy"]
