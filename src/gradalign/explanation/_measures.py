"""Conflict and agreement of per-sample gradients, from Gram matrices."""

from __future__ import annotations

import torch
from torch import Tensor

from gradalign.linalg import opposed


def conflict_of_pairs(gram: Tensor) -> Tensor:
    """Share of pairs with a negative inner product: [..., n, n] to [...]; NaN for no pair."""
    n = gram.shape[-1]
    total: Tensor = opposed(gram).sum((-2, -1))
    return total / (n * (n - 1)) if n > 1 else torch.full_like(total, torch.nan)


def mean_of_pairs(cosines: Tensor) -> Tensor:
    """Mean cosine of pairs: [..., n, n] to [...]; NaN for no pair."""
    n = cosines.shape[-1]
    total: Tensor = cosines.sum((-2, -1)) - cosines.diagonal(dim1=-2, dim2=-1).sum(-1)
    return total / (n * (n - 1)) if n > 1 else torch.full_like(total, torch.nan)


def mean_where(values: Tensor, mask: Tensor) -> float | None:
    """Mean of the values where the mask holds; None where it holds nowhere."""
    chosen = values[mask]
    return float(chosen.double().mean()) if chosen.numel() else None


def number(value: Tensor | float) -> float | None:
    """A number, or None for NaN."""
    found = float(value)
    return None if found != found else found
