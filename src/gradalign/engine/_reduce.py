"""Streaming reducers: from the tiles of a block's per-sample gradients to its statistics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from gradalign import linalg
from gradalign.engine._gradient import PerSampleGradient, Tile, Workspace
from gradalign.engine._symmetric import add_products, mirrored
from gradalign.engine._weights import as_matrix
from gradalign.engine.rules.linear import OuterProduct
from gradalign.errors import UndefinedScore
from gradalign.statistics import Moments, Need, WeightStatistic

TERMS = 1 << 17
"""Weights whose terms are computed together: enough to hide the cost of a call, within a cache."""


@dataclass(frozen=True)
class Request:
    """Which statistics of per-sample gradients are wanted.

    Args:
        gram: Inner products.
        filters: Alignment a filter.
        agreement: Sign agreement with the mean gradient.
        sums: Weight statistics.
        signs: Signs [n]: also the gradient of the sum of the losses with these signs.
    """

    gram: bool = False
    filters: bool = False
    agreement: bool = False
    sums: tuple[WeightStatistic, ...] = ()
    signs: Tensor | None = None

    @classmethod
    def of(cls, needs: Iterable[Need]) -> Request:
        """What `needs` ask of the per-sample gradients."""
        needs = tuple(needs)
        return cls(
            gram="gram" in needs,
            filters="filter_alignment" in needs or "filter_alignment_left_out" in needs,
            agreement="agreement" in needs,
            sums=tuple(need for need in needs if isinstance(need, WeightStatistic)),
        )

    @property
    def moments(self) -> frozenset[str]:
        """Moments that the weight statistics read."""
        return frozenset(moment for statistic in self.sums for moment in statistic.moments)


@dataclass
class BlockStatistics:
    """Statistics of one block, in float64 on the CPU; only what was requested is set."""

    squared_norms: Tensor
    gram: Tensor | None = None
    agreement: Tensor | None = None
    filter_alignment: Tensor | None = None
    filter_alignment_left_out: Tensor | None = None
    sums: dict[str, float] | None = None
    signed: Tensor | None = None


class BlockReducer:
    """Reads the per-sample gradients of one block once.

    Args:
        request: What is wanted.
        weight: The block's weights, for weight statistics that read them.
        filters: Filter of every weight, [R, K]; None: row f is filter f.
        work: Reused buffers.
    """

    def __init__(
        self, request: Request, weight: Tensor, filters: Tensor | None, work: Workspace
    ) -> None:
        self.request = request
        self._weight = as_matrix(weight.detach())
        self._filters = filters
        self._work = work

    def reduce(self, gradient: PerSampleGradient) -> BlockStatistics:
        """The statistics of `gradient`."""
        n = gradient.n
        self._n = n
        like = self._weight
        self._ones = like.new_ones(n)
        self._filter_grams = self._row_grams(gradient)
        self._filters_from_tiles = self.request.filters and self._filter_grams is None
        if self._filters_from_tiles:
            self._filter_grams = self._new_filter_grams()
        wants_gram = self.request.gram and self._filter_grams is None  # else it is their sum
        self._gram = gradient.gram(self._work) if wants_gram else None
        self._gram_from_tiles = wants_gram and self._gram is None
        if self._gram_from_tiles:
            self._gram = like.new_zeros(n, n)
        self._squares = like.new_zeros(n, dtype=torch.float64)
        self._agreement = like.new_zeros(n, dtype=torch.float64)
        self._sums = {s.name: like.new_zeros((), dtype=torch.float64) for s in self.request.sums}
        self._waiting: list[dict[str, Tensor]] = []
        self._signed = None if self.request.signs is None else torch.zeros_like(like)
        if not self._closed_form(gradient):
            for tile in gradient.tiles(self._work):
                self._take(tile)
            self._add_waiting()
        return self._result()

    def _closed_form(self, gradient: PerSampleGradient) -> bool:
        """Statistics of outer products without forming them; False where tiles are needed."""
        if not isinstance(gradient, OuterProduct) or self._filters_from_tiles:
            return False
        if self.request.signs is not None:
            return False  # the check looks at the tiles
        if self._gram is None and self._filter_grams is None:
            self._squares += gradient.squared_norms()
        if self.request.agreement:
            self._agreement += gradient.agreement()
        if self.request.sums:
            self._add_sums(gradient.moments(self.request.moments, self._weight))
        return True

    def _take(self, tile: Tile) -> None:
        """Add one tile; its values are destroyed."""
        values = tile.flat  # [n, b]
        if self._gram_from_tiles and self._gram is not None:
            add_products(self._gram, values)
        elif self._gram is None and self._filter_grams is None:
            self._squares += torch.linalg.vector_norm(values, dim=1).double().square()
        if self._filters_from_tiles:
            self._add_filter_grams(tile)
        if self._signed is not None and self.request.signs is not None:
            for q, columns in enumerate(tile.columns()):
                part = torch.einsum("n,nrk->rk", self.request.signs, tile.values[:, q])
                self._signed[tile.rows()[:, None], columns] += part
        self._add_columns(tile, values)

    def _add_columns(self, tile: Tile, values: Tensor) -> None:
        """Statistics that are made of sums over the samples, weight by weight."""
        moments = self.request.moments
        sums: dict[str, Tensor] = {}
        need_sum = self.request.agreement or "sum" in moments
        if need_sum:
            sums["sum"] = self._column_sums(values)
        scratch = self._work.get("scratch", values.shape, values) if moments else values
        if "square_sum" in moments:
            sums["square_sum"] = self._column_sums(torch.mul(values, values, out=scratch))
        need_signs = self.request.agreement or "sign_sum" in moments
        signs = torch.sign(values, out=scratch) if need_signs else scratch
        if "abs_sum" in moments:
            sums["abs_sum"] = self._column_sums(values.abs_())
        if need_signs:
            if "sign_sum" in moments:
                sums["sign_sum"] = self._column_sums(signs)
            if self.request.agreement:
                self._agreement += sign_agreement(signs, sums["sum"])
        if moments:
            if "weight" in moments:
                places = tile.rows()[:, None] * self._weight.shape[1] + tile.columns()[:, None, :]
                sums["weight"] = self._weight.flatten().index_select(0, places.flatten())  # [q r k]
            self._waiting.append({k: v for k, v in sums.items() if k in moments})
            if sum(len(next(iter(held.values()))) for held in self._waiting) >= TERMS:
                self._add_waiting()

    def _column_sums(self, values: Tensor) -> Tensor:
        """Sum over samples, [n, b] to [b], as a product: faster than `sum` on wide tiles."""
        return torch.mv(values.T, self._ones)

    def _add_waiting(self) -> None:
        """Add the terms of the moments that the last tiles left."""
        if self._waiting:
            names = self._waiting[0]
            moments = {k: torch.cat([held[k] for held in self._waiting]) for k in names}
            self._add_sums(Moments(self._n, **moments))
            self._waiting = []

    def _add_sums(self, moments: Moments) -> None:
        for statistic in self.request.sums:
            self._sums[statistic.name] += statistic.term(moments).sum().double()

    def _row_grams(self, gradient: PerSampleGradient) -> Tensor | None:
        """Gram matrices of the filters where they are rows and need no tiles."""
        if not self.request.filters or self._filters is not None:
            return None
        return gradient.row_grams(self._work)

    def _new_filter_grams(self) -> Tensor:
        rows = self._weight.shape[0]
        count = rows if self._filters is None else int(self._filters.max()) + 1
        return self._weight.new_zeros(count, self._n, self._n)

    def _add_filter_grams(self, tile: Tile) -> None:
        grams = self._filter_grams
        if grams is None:
            return
        for q, columns in enumerate(tile.columns()):
            values = tile.values[:, q]  # [n, r, k]
            if self._filters is None:
                self._add_rows(grams, tile.rows(), values.transpose(0, 1))
                continue
            filters = self._filters[tile.rows()[:, None], columns].flatten()
            flat = values.flatten(1)
            for one in filters.unique():
                part = flat[:, filters == one]
                grams[one] += part @ part.T

    def _add_rows(self, grams: Tensor, rows: Tensor, values: Tensor) -> None:
        """Add the Gram matrices of `values`, [r, n, k], to those of the filters `rows`, [r]."""
        if bool((rows.diff() == 1).all()):  # neighbours: a view of the Gram matrices, no copy
            first = int(rows[0])
            grams[first : first + len(rows)].baddbmm_(values, values.transpose(1, 2))
        else:
            grams[rows] += values @ values.transpose(1, 2)

    def _result(self) -> BlockStatistics:
        filter_grams = None if self._filter_grams is None else self._filter_grams.double()
        gram = self._gram if filter_grams is None else filter_grams.sum(0)
        if gram is not None:
            if self._gram_from_tiles:
                gram = mirrored(gram)
            gram = gram.double().cpu()
            squares = gram.diagonal().clamp_min(0)
        else:
            squares = self._squares.cpu()
        if not bool(torch.isfinite(squares).all()):
            raise UndefinedScore("a per-sample gradient is NaN or infinite at initialization")
        result = BlockStatistics(squares, gram if self.request.gram else None, signed=self._signed)
        if self.request.agreement:
            result.agreement = self._agreement.cpu()
        if self.request.sums:
            result.sums = {name: float(value) for name, value in self._sums.items()}
        if filter_grams is not None:
            size = self._weight.numel() / len(filter_grams)
            aligned = linalg.alignment(filter_grams).sum()
            left_out = linalg.alignment_left_out(filter_grams).sum(0)
            result.filter_alignment = size * aligned.cpu()
            result.filter_alignment_left_out = size * left_out.cpu()
        return result


def sign_agreement(signs: Tensor, total: Tensor) -> Tensor:
    """For each sample, at how many weights its gradient has the sign of the mean gradient.

    Args:
        signs: Signs of the per-sample gradients, [n, b]; destroyed.
        total: Sums over the samples, [b].

    Returns:
        [n].
    """
    mean_sign = total.sign()
    difference = torch.mv(signs, mean_sign)  # agree - disagree
    if _all_ones(signs.flatten()) and _all_ones(mean_sign):  # no zeros: nothing to count
        return (difference + mean_sign.numel()) / 2
    both = torch.mv(signs.abs_(), mean_sign.abs())  # agree + disagree
    return (both + difference) / 2


def _all_ones(signs: Tensor) -> bool:
    """Whether no sign is 0; False where the count could not be exact."""
    exact = signs.numel() <= 1 / torch.finfo(signs.dtype).eps
    return exact and float(torch.dot(signs, signs)) == signs.numel()
