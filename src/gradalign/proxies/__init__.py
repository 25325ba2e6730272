"""Training-free scores: one file each, looked up by name in `PROXIES`."""

from gradalign.proxies._base import PROXIES, Estimate, Proxy, ProbeChanges, proxy

__all__ = ["PROXIES", "Estimate", "ProbeChanges", "Proxy", "proxy"]
