"""The study of mislabelled samples: how well they stand out in the gradients of one batch."""

from gradalign.studies._study import Study
from gradalign.studies.mislabelled.findings import findings
from gradalign.studies.mislabelled.run import Options, run
from gradalign.studies.mislabelled.sections import sections

MISLABELLED = Study(
    name="mislabelled",
    title="Do mislabelled samples stand out in the gradients of a batch?",
    question="A sample under a wrong label asks for other weights than its class does, so its "
    "gradient should stand apart. Here some of the handwritten digits are given a wrong label, "
    "networks of several kinds are trained on them, and figures from the gradients of one batch "
    "are asked, before training and on the way, which samples these are. AUC is the probability "
    "that a mislabelled sample looks more suspicious than a rightly labelled one: 0.5 is chance.",
    findings=findings,
    sections=sections,
)

__all__ = ["MISLABELLED", "Options", "run"]
