"""Binary activation codes: which ReLU units are on for a sample."""

from gradalign.errors import UndefinedScore
from gradalign.statistics import Statistics


def require_units(stats: Statistics) -> int:
    """The number of ReLU units behind the codes.

    Raises:
        UndefinedScore: If there is none (status `unsupported`).
    """
    if stats.activation_units == 0:
        raise UndefinedScore("the network has no ReLU, so no activation code", "unsupported")
    return stats.activation_units
