"""Records of scores in one file, which loses nothing."""

from gradalign.store.export import export
from gradalign.store.store import Store

__all__ = ["Store", "export"]
