"""Studies and searches that stand on a page below the scores of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradalign.pages.search import beside_scores, search_findings
from gradalign.report import Findings, Section
from gradalign.search.reading import read_searches
from gradalign.studies import STUDIES, read_documents


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What is joined to a page.

    Args:
        sections: In the order in which they were asked for, studies first.
        findings: What they say, for the top of the page.
    """

    sections: list[Section]
    findings: list[Findings]


def joined_sections(studies: Sequence[Path], searches: Sequence[Path]) -> Joined:
    """Read studies and searches.

    Args:
        studies: Files or folders that `gradalign study` wrote.
        searches: Files that `gradalign search --db` wrote.

    Raises:
        InputError: One that cannot be read, or that is something else.
    """
    joined = Joined(sections=[], findings=[])
    for path in studies:
        for study, document in read_documents(path, STUDIES):
            anchor = f"study-{len(joined.findings) + 1}"
            _add(joined, study.below_scores(document, anchor), study.findings(document))
    for path in searches:
        for recorded in read_searches(path):
            anchor = f"search-{len(joined.findings) + 1}"
            _add(joined, beside_scores(recorded, anchor), search_findings(recorded))
    return joined


def _add(joined: Joined, sections: list[Section], sentences: list[str]) -> None:
    first = sections[0]
    joined.sections.extend(sections)
    joined.findings.append(Findings(about=first.title, sentences=sentences, anchor=first.anchor))
