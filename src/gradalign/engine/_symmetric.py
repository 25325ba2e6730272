"""Products x x' of rows with each other, of which little more than one half is computed."""

from __future__ import annotations

import torch
from torch import Tensor

from gradalign.engine._gradient import even

STRIPS = 4
"""Stripes of columns; more of them leave products too narrow to be fast."""

NARROWEST = 16


def add_products(total: Tensor, x: Tensor) -> None:
    """Add x x' to `total`, [N, N], on and above the diagonal; the rest is for `mirrored` to fill.

    Args:
        total: What is added to, in place.
        x: [N, d].
    """
    rows = len(x)
    for strip in even(rows, max(NARROWEST, -(-rows // STRIPS))):
        total[: strip.stop, strip].addmm_(x[: strip.stop], x[strip].T)


def mirrored(total: Tensor) -> Tensor:
    """The symmetric matrix of which `total`, [N, N], holds what is on and above the diagonal."""
    return total.triu() + total.triu(1).T


def symmetric_product(x: Tensor) -> Tensor:
    """X x' by block rows of its lower triangle, [N, d] to [N, N]; N may be large."""
    size = x.shape[0]
    step = max(128, -(-size // 8))
    if size <= step:
        return x @ x.T
    product = x.new_empty(size, size)
    for start in range(0, size, step):
        stop = min(size, start + step)
        torch.mm(x[start:stop], x[:stop].T, out=product[start:stop, :stop])
        product[:start, start:stop] = product[start:stop, :start].T
    return product
