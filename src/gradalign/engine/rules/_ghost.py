"""Gram matrices of layers by inner products of positions, without any per-sample gradient.

Costs are of a pair of samples, in multiply-adds of the direct way, which takes R K of them. Their
weights are measured.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from gradalign.engine._gradient import PerSampleGradient, Workspace
from gradalign.engine._symmetric import symmetric_product

SYMMETRIC_COST = 0.6
"""Of a multiply-add of a symmetric product."""


class GhostGradient(PerSampleGradient):
    """Gradients g_i = sum over positions t of d_it x_it', R by K."""

    @abstractmethod
    def _outputs(self) -> Tensor:
        """The d_it, [n, T, R]."""

    @abstractmethod
    def _products(self, beside: float, work: Workspace) -> Tensor | None:
        """The <x_it, x_js>, [T n, T n] with the sample axis inside.

        None where these, and what costs `beside`, are no gain over the direct way.
        """

    def gram(self, work: Workspace) -> Tensor | None:
        """K_ij = sum_ts <d_it, d_js> <x_it, x_js>, [n, n], where that is cheaper."""
        left = self._outputs()
        n, positions, rows = left.shape
        products = self._products(positions**2 * (SYMMETRIC_COST * rows + 60), work)
        if products is None:
            return None
        shape = (positions, n, positions, n)
        outputs = symmetric_product(by_position(left)).view(shape)
        return outputs.mul_(products.view(shape)).sum((0, 2))

    def row_grams(self, work: Workspace) -> Tensor | None:
        """K_r,ij = sum_ts d_itr <x_it, x_js> d_jsr, [R, n, n], where that is cheaper."""
        left = self._outputs()
        n, positions, rows = left.shape
        products = self._products(rows * positions * (0.8 * positions + 4), work)
        if products is None:
            return None
        by_sample = products.view(positions, n, positions, n).permute(3, 1, 0, 2)  # [j, i, t, s]
        grams = left.new_empty(n, n, rows)  # [j, i, r]
        for j in range(n):
            terms = work.get("tile", (n - j, positions, rows), left)
            torch.mm(by_sample[j, j:].flatten(0, 1), left[j], out=terms.flatten(0, 1))
            grams[j, j:] = grams[j:, j] = terms.mul_(left[j:]).sum(1)
        return grams.view(n * n, rows).T.contiguous().view(rows, n, n)


def by_position(x: Tensor) -> Tensor:
    """[n, T, d] to [T n, d]."""
    return x.transpose(0, 1).reshape(-1, x.shape[2])
