"""Embeddings: row v of the gradient is the sum of the output gradients where token v stands."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gradalign.engine._gradient import PerSampleGradient, Tile, Workspace, even, samples_first
from gradalign.engine.rules._base import RULES, Rule, Use


class EmbeddingGradient(PerSampleGradient):
    """Gradients of an embedding's rows.

    Args:
        tokens: [n, T]; entries outside 0..rows - 1 have no gradient.
        d: [n, T, K].
        rows: Number of tokens in the vocabulary.
    """

    def __init__(self, tokens: Tensor, d: Tensor, rows: int) -> None:
        super().__init__(tokens.shape[0], (rows, d.shape[2]))
        self._tokens = tokens
        self._d = d

    def tiles(self, work: Workspace) -> Iterator[Tile]:
        """As the base class says."""
        rows, columns = self.shape
        samples = torch.arange(self.n, device=self._d.device)[:, None].expand_as(self._tokens)
        for part in even(rows, max(1, work.tile_numbers(self._d) // (self.n * columns))):
            values = work.get("tile", (self.n, part.stop - part.start, columns), self._d).zero_()
            inside = (self._tokens >= part.start) & (self._tokens < part.stop)
            place = (samples[inside], self._tokens[inside] - part.start)
            values.index_put_(place, self._d[inside], accumulate=True)
            yield Tile.block(values, part, slice(0, columns))

    def select(self, start: int, stop: int) -> EmbeddingGradient:
        """As the base class says."""
        return EmbeddingGradient(self._tokens - start, self._d, stop - start)


def _embedding(use: Use) -> PerSampleGradient:
    module = use.module
    if module.max_norm is not None or module.scale_grad_by_freq or module.sparse:
        raise ValueError("an embedding with max_norm, scale_grad_by_freq or sparse")
    tokens = samples_first(use.input, use.n).reshape(use.n, -1)
    d = samples_first(use.grad_output, use.n).reshape(use.n, tokens.shape[1], -1)
    if module.padding_idx is not None:
        tokens = tokens.masked_fill(tokens == module.padding_idx, -1 - module.num_embeddings)
    return EmbeddingGradient(tokens, d, module.num_embeddings)


RULES.add("embedding", Rule(modules=(nn.Embedding,), attributes=("weight",), gradient=_embedding))
