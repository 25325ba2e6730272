"""The study of conflict between the gradients of samples before training, and of convergence."""

from gradalign.studies._study import Study
from gradalign.studies.convergence.findings import findings
from gradalign.studies.convergence.run import Options, run
from gradalign.studies.convergence.sections import sections

CONVERGENCE = Study(
    name="convergence",
    title="Does gradient conflict slow convergence?",
    question="The paper argues that conflict between the gradients of single samples at "
    "initialization hinders convergence and ends in worse performance. Here networks of three "
    "spaces are really trained on handwritten digits, and conflict is raised and lowered in one "
    "and the same architecture.",
    findings=findings,
    sections=sections,
)

__all__ = ["CONVERGENCE", "Options", "run"]
