"""AZ-NAS, by itself and with SynFlow."""

from gradalign.aggregates._base import Aggregate, register

_MEMBERS = ("az_expressivity", "az_progressivity", "az_trainability", "flops")
_SOURCE = "Lee & Ham, CVPR 2024 (arXiv 2403.19232); authors' code, cvlab-yonsei/AZ-NAS@5e6683a"

AZ_NAS = register(
    Aggregate(
        name="az_nas",
        members=_MEMBERS,
        source=_SOURCE,
        summary="sum of log(rank / N) over expressivity, progressivity, trainability and FLOPs",
    )
)
SYNFLOW_AZ_NAS = register(
    Aggregate(
        name="synflow_az_nas",
        members=("synflow", *_MEMBERS),
        source=f"{_SOURCE}, which give figures for it; SynFlow joins the four by their rule",
        summary="sum of log(rank / N) over SynFlow and the four parts of AZ-NAS",
    )
)
