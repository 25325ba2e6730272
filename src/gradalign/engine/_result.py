"""What a backend brings back from a pass."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gradalign.engine._layers import Call
from gradalign.engine._reduce import BlockStatistics


@dataclass(frozen=True)
class PassResult:
    """Everything measured in one pass.

    Args:
        blocks: Statistics of each block; None where no gradient arrives.
        calls: Calls of modules that hold a block, in forward order.
        block_macs: Multiply-adds of one sample through each block.
        block_times: When each block was first used; -1: never.
        last_norm: When the last normalisation was called; -1: never.
        codes: Activation matches and units, where wanted.
    """

    blocks: list[BlockStatistics | None]
    calls: list[Call]
    block_macs: list[int]
    block_times: list[int]
    last_norm: int
    codes: tuple[Tensor, int] | None

    @property
    def live(self) -> list[bool]:
        """Whether any sample has a gradient in each block."""
        return [
            block is not None and bool((block.squared_norms > 0).any()) for block in self.blocks
        ]

    @property
    def has_gradient(self) -> bool:
        """Whether a block that counts has a gradient.

        Where blocks stand before the last normalisation, one of them must have one: those after it
        live on inputs that may be constants.
        """
        live = self.live
        before = [
            alive
            for alive, time in zip(live, self.block_times, strict=True)
            if 0 <= time < self.last_norm
        ]
        return any(before) if before else any(live)
