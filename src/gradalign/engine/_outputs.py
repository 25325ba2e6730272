"""The tensors in what modules return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def first_output(out: Any) -> Tensor | None:
    """The first floating-point tensor of what a module returns; None where there is none."""
    if isinstance(out, Tensor):
        return out if out.is_floating_point() and out.dim() else None
    parts: list[Any] = []
    if isinstance(out, Mapping):
        parts = list(out.values())
    elif isinstance(out, (tuple, list)):
        parts = list(out)
    return next((t for t in map(first_output, parts) if t is not None), None)


def first_sample(output: Tensor) -> Tensor:
    """The first entry of axis 0 as a matrix, its own first axis against all others, float64."""
    sample = output[0].double()
    return sample.reshape(sample.shape[0] if sample.dim() else 1, -1)
