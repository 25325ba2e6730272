"""The study of the number of linear regions as a criterion to order networks by."""

from gradalign.studies._study import Study
from gradalign.studies.linear_regions.findings import findings
from gradalign.studies.linear_regions.run import Options, run
from gradalign.studies.linear_regions.sections import sections

LINEAR_REGIONS = Study(
    name="linear-regions",
    title="Are linear regions a criterion?",
    question="The paper argues that the number of linear regions at initialization is not a "
    "sufficient criterion for ranking networks. Here regions are counted exactly and by the "
    "samples that scores use, the counts are held against trained accuracies and against the mere "
    "size of the networks, and counter-examples are searched and trained.",
    findings=findings,
    sections=sections,
)

__all__ = ["LINEAR_REGIONS", "Options", "run"]
