"""Whether a score saves a search trainings: searches on a table, each at the same cost."""

from gradalign.studies._study import Study
from gradalign.studies.search.findings import findings
from gradalign.studies.search.run import Options, run
from gradalign.studies.search.sections import sections

SEARCH = Study(
    name="search",
    title="What a score saves a search",
    question=(
        "How much training does a search need to find a good network: by random draws, ageing "
        "evolution, REINFORCE or TPE, each alone and assisted by a score that needs no training? "
        "And how much of the help is the size of the networks, which costs nothing to know?"
    ),
    findings=findings,
    sections=sections,
)

__all__ = ["SEARCH", "Options", "run"]
