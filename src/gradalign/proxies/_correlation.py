"""Correlation between the rows of a matrix."""

import torch
from torch import Tensor

from gradalign.errors import UndefinedScore

NOISE = 16
"""Rounding errors of a row below which its variation counts as none."""


def row_correlations(rows: Tensor, what: str) -> Tensor:
    """Pearson correlations between the rows of [n, D], [n, n].

    Raises:
        UndefinedScore: If a row does not vary; the message says of `what`.
    """
    centred = rows - rows.mean(1, keepdim=True)
    norms = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
    noise = NOISE * torch.finfo(rows.dtype).eps * torch.linalg.vector_norm(rows, dim=1)
    still = int((norms[:, 0] <= noise).sum())
    if still:
        raise UndefinedScore(f"{what} of {still} of {len(rows)} samples does not vary")
    unit = centred / norms
    correlations: Tensor = unit @ unit.T
    return correlations
