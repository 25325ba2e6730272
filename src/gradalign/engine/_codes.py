"""Binary activation codes: on which side of zero each ReLU unit is, for each sample."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor

from gradalign.engine._gradient import Workspace, samples_first


class ActivationCodes:
    """Counts, for each pair of samples, the ReLU units on the same side of zero.

    Only units that the backward pass reaches are counted (Mellor et al. 2021, authors' code).
    K = C C' + (1 - C)(1 - C)' = U - r - r' + 2 C C' with C the codes, U units, r = C 1.

    Args:
        n: Number of samples.
        work: Reused buffers.
    """

    def __init__(self, n: int, work: Workspace) -> None:
        self._n = n
        self._work = work
        self._calls: list[tuple[Tensor, int]] = []  # products C C', [n, n], and units, a call
        self._reached: list[int] = []
        self._seen: list[tuple[weakref.ref[Tensor], int, tuple[Tensor, int]]] = []

    def on_relu(self, x: Tensor, out: Tensor) -> None:
        """Take the code of one ReLU call; it counts once a gradient arrives at its output."""
        if not out.requires_grad or out.shape[0] % self._n:
            return
        index = len(self._calls)
        self._calls.append(self._product(x, out))
        out.register_hook(lambda _: self._reached.append(index))

    def _product(self, x: Tensor, out: Tensor) -> tuple[Tensor, int]:
        """Products of the codes; those of an input that several ReLUs read are computed once."""
        self._seen = [entry for entry in self._seen if entry[0]() is not None]
        for reference, version, product in self._seen:
            if x is not out and reference() is x and version == x._version:
                return product
        product = self._codes_product(out.detach())
        if x is not out:
            self._seen.append((weakref.ref(x), x._version, product))
        return product

    def _codes_product(self, out: Tensor) -> tuple[Tensor, int]:
        flat = samples_first(out, self._n).flatten(1)  # [n, units]
        units = flat.shape[1]
        product = flat.new_zeros(self._n, self._n, dtype=torch.float64)
        step = max(1, self._work.tile_numbers(flat) // (2 * self._n))
        for start in range(0, units, step):
            part = flat[:, start : start + step]
            codes = torch.sign(part, out=self._work.get("codes", part.shape, part))
            product += codes @ codes.T  # outputs are not negative: signs are 0 or 1
        return product.cpu(), units

    def result(self) -> tuple[Tensor, int]:
        """Matches [n, n], float64, and the number of units."""
        matches = torch.zeros(self._n, self._n, dtype=torch.float64)
        units = 0
        for index in self._reached:
            product, count = self._calls[index]
            on = product.diagonal()
            matches += count - on[:, None] - on[None, :] + 2 * product
            units += count
        return matches, units
