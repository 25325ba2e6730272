"""The empirical neural tangent kernel: conditions, spectrum and condition number."""

import torch
from torch import Tensor

from gradalign.errors import UndefinedScore

NTK_PROBE = {"objective": "logit_sum", "params": "named_weight", "dtype": "float64"}
"""Gradients of the sum of a sample's outputs by every parameter with "weight" in its name.

In double precision: eigenvalues of a kernel that is nearly singular are rounding noise otherwise.
"""


def spectrum(kernel: Tensor) -> Tensor:
    """Eigenvalues of a kernel, [n, n] to [n], ascending, not negative.

    Raises:
        UndefinedScore: A kernel that is zero, or not finite.
    """
    if not bool(kernel.isfinite().all()):
        raise UndefinedScore("the kernel has an entry that is NaN or infinite")
    eigenvalues: Tensor = torch.linalg.eigvalsh(kernel).clamp_min(0)
    if not float(eigenvalues[-1]) > 0:
        raise UndefinedScore("the kernel is zero: no gradient reaches the weights", "no_gradient")
    return eigenvalues


def condition_number(kernel: Tensor, dtype: torch.dtype = torch.float64) -> float:
    """Largest over smallest eigenvalue.

    Args:
        kernel: [n, n].
        dtype: Precision of what the kernel was computed from.

    Raises:
        UndefinedScore: A kernel that is singular, to the precision at hand, zero or not finite.
    """
    eigenvalues = spectrum(kernel)
    noise = len(eigenvalues) * torch.finfo(dtype).eps * eigenvalues[-1]
    rank = int((eigenvalues > noise).sum())
    if rank < len(eigenvalues):
        raise UndefinedScore(
            f"the kernel is singular: rank {rank} of {len(eigenvalues)}", status="inf"
        )
    return float(eigenvalues[-1] / eigenvalues[0])
