"""The two arguments of the paper, and how far a score can be trusted: studies that anyone reruns.

Each measures, writes one document of results, and makes text and pictures of that document alone.
"""

from gradalign.studies._ledger import Ledger
from gradalign.studies._study import Document, Study
from gradalign.studies._work import Workshop

__all__ = ["Document", "Ledger", "Study", "Workshop"]
