"""The two arguments of the paper, and how far a score can be trusted: studies that anyone reruns.

Each measures, writes one document of results, and makes text and pictures of that document alone.
"""

from gradalign.studies._documents import read_document, read_documents
from gradalign.studies._ledger import Ledger
from gradalign.studies._study import Document, Study
from gradalign.studies._work import Workshop
from gradalign.studies.convergence import CONVERGENCE
from gradalign.studies.linear_regions import LINEAR_REGIONS
from gradalign.studies.mislabelled import MISLABELLED
from gradalign.studies.search import SEARCH
from gradalign.studies.sensitivity import SENSITIVITY

STUDIES = {
    study.name: study for study in (LINEAR_REGIONS, CONVERGENCE, SENSITIVITY, SEARCH, MISLABELLED)
}

__all__ = ["STUDIES", "Document", "Ledger", "Study", "Workshop", "read_document", "read_documents"]
