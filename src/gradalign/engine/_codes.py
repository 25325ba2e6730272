"""Binary activation codes: on which side of zero each ReLU unit is, for each sample."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import torch
from torch import Tensor

from gradalign.engine._gradient import Workspace, samples_first
from gradalign.engine._symmetric import add_products, mirrored


class ActivationCodes:
    """Counts, for each pair of samples, the ReLU units on the same side of zero.

    Only units that the backward pass reaches are counted (Mellor et al. 2021, authors' code).
    K = C C' + (1 - C)(1 - C)' = U - r - r' + 2 C C' with C the codes, U units, r = C 1.

    Args:
        n: Number of samples.
        products: Where the products come from.
    """

    def __init__(self, n: int, products: CodeProducts) -> None:
        self._n = n
        self._products = products
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
        return self._products.of(flat), flat.shape[1]

    def result(self) -> tuple[Tensor, int]:
        """Matches [n, n], float64, and the number of units."""
        matches = torch.zeros(self._n, self._n, dtype=torch.float64)
        units = 0
        for index in self._reached:
            product, count = self._calls[index]
            matches += codes_matches(product, count)
            units += count
        return matches, units


class UnitPatterns:
    """Counts how many units are on for different sets of samples.

    The pattern of a unit, one bit a sample, is packed exactly: 64 samples in 8 bytes. That is all
    that is kept of a unit, a thirty-second of what its values take in single precision.

    Args:
        n: Number of samples.
        work: Reused buffers.
    """

    def __init__(self, n: int, work: Workspace) -> None:
        self._n = n
        self._work = work
        self._words: list[Tensor] = []  # [words, units] a call

    def add(self, values: Tensor) -> None:
        """Take the units of `values`, [n, units], which are on where they are positive."""
        digits = -(-self._n // DIGIT)
        weights = torch.zeros(digits, self._n, dtype=torch.float32, device=values.device)
        for i in range(self._n):
            weights[i // DIGIT, i] = 2 ** (i % DIGIT)
        words = values.new_zeros(-(-digits // DIGITS_A_WORD), values.shape[1], dtype=torch.int64)
        for start, codes in _tiles(values, self._work):
            packed = (weights @ codes.float()).long()  # sums of distinct powers of 2: exact
            part = words[:, start : start + codes.shape[1]]
            for k, digit in enumerate(packed):
                part[k // DIGITS_A_WORD] |= digit << (DIGIT * (k % DIGITS_A_WORD))
        self._words.append(words)

    def count(self) -> int:
        """Number of distinct patterns."""
        if not self._words:
            return 0
        first, *rest = torch.cat(self._words, 1)
        known, number = first.unique(return_inverse=True)
        for word in rest:
            found, own = word.unique(return_inverse=True)
            known, number = (number * len(found) + own).unique(return_inverse=True)
        return len(known)


DIGIT = 16
"""Bits that one product packs: whole numbers below 2^24 are exact in single precision."""

DIGITS_A_WORD = 4


class CodeProducts:
    """C C' of codes C: for two samples the units that are on for both.

    Args:
        work: Reused buffers.
    """

    def __init__(self, work: Workspace) -> None:
        self._work = work
        self._last: tuple[Tensor, int, Tensor] | None = None  # units, their version, product

    def of(self, values: Tensor) -> Tensor:
        """Of the units of `values`, [n, units], on where they are positive: [n, n], float64.

        Computed once where all who want it ask before the next units come.
        """
        if self._last is not None:
            known, version, product = self._last
            if _same_view(known, values) and version == values._version:
                return product
        product = values.new_zeros(len(values), len(values), dtype=torch.float64)
        for _, codes in _tiles(values, self._work):
            part = codes.new_zeros(product.shape)
            add_products(part, codes)
            product += part
        product = mirrored(product).cpu()
        self._last = (values, values._version, product)  # kept, so no other can take its place
        return product


def _same_view(a: Tensor, b: Tensor) -> bool:
    layout = (a.data_ptr(), a.dtype, a.shape, a.stride())
    return layout == (b.data_ptr(), b.dtype, b.shape, b.stride())


def codes_matches(product: Tensor, units: int) -> Tensor:
    """Units on the same side of zero for each pair of samples, from those on for both, [n, n]."""
    on = product.diagonal()
    return units - on[:, None] - on[None, :] + 2 * product


def _tiles(values: Tensor, work: Workspace) -> Iterator[tuple[int, Tensor]]:
    """The codes of `values`, [n, units], 0 or 1, piece by piece, and where each piece starts."""
    exact = values.dtype if values.dtype in (torch.float32, torch.float64) else torch.float32
    like = values.new_empty(0, dtype=exact)
    step = max(1, work.tile_numbers(like) // (2 * len(values)))
    for start in range(0, values.shape[1], step):
        part = values[:, start : start + step]
        yield start, torch.gt(part, 0, out=work.get("codes", part.shape, like))
