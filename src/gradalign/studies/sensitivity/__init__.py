"""How a score, and the order it gives, move with the conditions under which it is measured."""

from gradalign.studies._study import Study
from gradalign.studies.sensitivity.findings import findings
from gradalign.studies.sensitivity.run import NETWORKS, run
from gradalign.studies.sensitivity.sections import sections

SENSITIVITY = Study(
    name="sensitivity",
    title="How much the conditions of a score matter",
    question=(
        "How do scores and rankings move with the batch, the images, the initialisation, the pass "
        "and the size of the scored copy; and how cheap can a probe be before the ranking suffers?"
    ),
    findings=findings,
    sections=sections,
)

__all__ = ["NETWORKS", "SENSITIVITY", "run"]
