"""The last feature map: what a network pools, or flattens, for its classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gradalign.engine._conditions import Conditions
from gradalign.engine._observe import Watch
from gradalign.engine._outputs import first_output
from gradalign.engine.collectors import _watch
from gradalign.errors import UnsupportedError

POOLS = frozenset(
    getattr(F, name)
    for name in (
        *(f"adaptive_{kind}_pool{d}d" for kind in ("avg", "max") for d in (1, 2, 3)),
        *(f"{kind}_pool{d}d" for kind in ("avg", "max") for d in (1, 2, 3)),
    )
)
MEANS = frozenset((torch.mean, Tensor.mean, torch.amax, Tensor.amax))


class FinalFeatures(Watch):
    """`final_features`, [n, D], float64 on the CPU: the last tensor that still has positions.

    Of these two, what comes last: the input of a global pooling (an adaptive or full-size pooling
    function, or a mean or maximum over every axis but those of samples and channels, wherever they
    are called), and the output of a module, the network's own answer left out, with more than one
    value a channel. So convolutional networks give the map before global pooling, or before they
    flatten, and transformers the hidden states behind their last layer.
    """

    def __init__(self, conditions: Conditions) -> None:
        self._n = conditions.n
        self._found: list[Tensor] = []  # the last two candidates: one of them is the answer

    def attach(self, stack: ExitStack) -> None:
        """Look at the poolings."""
        stack.enter_context(_Poolings(self._n, self._take))

    def on_output(self, module: nn.Module, out: Tensor) -> None:  # noqa: ARG002
        """Take the output of a module."""
        positions = out.numel() // max(1, out.shape[0] * out.shape[1]) if out.dim() > 2 else 1
        if out.shape[0] == self._n and positions > 1:
            self._take(out)

    def _take(self, candidate: Tensor) -> None:
        if self._found and _same(self._found[-1], candidate):
            return
        # A copy: an operation in place may follow.
        self._found = [*self._found[-1:], candidate.detach().clone()]

    def result(self, answer: Any) -> Mapping[str, Tensor]:
        """The statistic.

        Raises:
            UnsupportedError: Only vectors pass through the network.
        """
        own = first_output(getattr(answer, "logits", answer))
        others = [x for x in self._found if own is None or not _same(x, own)]
        if not others:
            raise UnsupportedError(
                "the network has no feature map: no tensor with the samples on axis 0 and "
                "positions beside channels"
            )
        return {"final_features": others[-1].reshape(self._n, -1).double().cpu()}


class _Poolings(TorchFunctionMode):
    """Hands on the inputs of global poolings in a forward pass of n samples."""

    def __init__(self, n: int, take: Callable[[Tensor], None]) -> None:
        super().__init__()
        self._n = n
        self._take = take

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if func in POOLS or func in MEANS:
            x = args[0] if args else kwargs.get("input")
            if isinstance(x, Tensor) and self._is_global(x, out, pool=func in POOLS):
                self._take(x)
        return out

    def _is_global(self, x: Tensor, out: Any, *, pool: bool) -> bool:
        """Whether `out` holds one value for each channel of each sample of the map `x`."""
        if x.dim() < 3 or not isinstance(out, Tensor) or x.shape[0] != self._n:
            return False
        kept = tuple(side for side in out.shape[1:] if side != 1)
        if pool or out.dim() == 2 or x.dim() > 3:
            return out.shape[:1] == x.shape[:1] and kept in ((), x.shape[1:2], x.shape[-1:])
        return out.shape[-1:] == x.shape[-1:]  # a mean over channels, as in a layer norm, is none


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)


_watch.register(["final_features"], "", FinalFeatures)
