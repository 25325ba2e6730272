"""Binary activation codes: which units are on for a sample."""

import torch
from torch import Tensor

from gradalign.errors import UndefinedScore
from gradalign.statistics import Statistics


def require_units(stats: Statistics) -> int:
    """The number of ReLU units behind the codes.

    Raises:
        UndefinedScore: If there is none (status `unsupported`).
    """
    return _require(stats.activation_units, "ReLU")


def log_determinant(matches: Tensor, what: str) -> float:
    """Log-determinant of a kernel of activation codes.

    Args:
        matches: For each pair of samples the units that are on, or off, for both, [n, n].
        what: What the units are of, for messages.

    Raises:
        UndefinedScore: If there is no unit (status `unsupported`), or if the kernel is singular
            (status `inf`).
    """
    _require(int(matches[0, 0]), what)  # every unit is on the same side for a sample and itself
    eigenvalues = torch.linalg.eigvalsh(matches)  # [n], ascending
    # By a factorisation alone a singular matrix may pass, its last pivot being rounding noise.
    noise = len(matches) * torch.finfo(eigenvalues.dtype).eps * eigenvalues[-1]
    if eigenvalues[0] <= noise:
        raise UndefinedScore("the kernel is singular: activation codes repeat", status="inf")
    return float(eigenvalues.log().sum())


def _require(units: int, what: str) -> int:
    if units == 0:
        raise UndefinedScore(f"the network has no {what}, so no activation code", "unsupported")
    return units
