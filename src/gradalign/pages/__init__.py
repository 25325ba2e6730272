"""Pages about scores: from records, and accuracies where some are at hand, to a page."""

from gradalign.pages.build import records_page
from gradalign.pages.compared import Compared, compare
from gradalign.pages.explain import explanation_page
from gradalign.pages.facts import versions
from gradalign.pages.kinds import is_size
from gradalign.pages.networks import Networks, by_space
from gradalign.pages.part import part_of
from gradalign.pages.ranking import ranking_page

__all__ = [
    "Compared",
    "Networks",
    "by_space",
    "compare",
    "explanation_page",
    "is_size",
    "part_of",
    "ranking_page",
    "records_page",
    "versions",
]
