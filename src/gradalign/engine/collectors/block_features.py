"""What a network's blocks put out, and how much each lets pass of a gradient.

The features of a network are those of its stem and of its blocks, in forward order; what a block is
`_blocks` says. Of transformer blocks (tokens, channels last) the features are the residual stream
after every addition to it, as after attention and after the two linear layers, without a stem.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gradalign.engine._conditions import Conditions
from gradalign.engine._layers import covariance_spectrum
from gradalign.engine._loss import call
from gradalign.engine._outputs import first_output
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.collectors._blocks import SMALLEST, Blocks, find_blocks
from gradalign.errors import UndefinedScore, UnsupportedError

Draw = Callable[[int, Tensor], Tensor]
"""(number of a feature, the feature) to random signs of its shape."""


def block_spectra(conditions: Conditions) -> object:
    """For each feature the eigenvalues of its channel covariance, [channels], float64.

    Raises:
        UnsupportedError: No chain of blocks.
        UndefinedScore: A feature that is NaN or infinite.
    """
    return _measured("block_spectra", conditions, signs_from_seed())


def block_gains(conditions: Conditions, draw: Draw | None = None) -> object:
    """For each feature but the first the gain of the block that leads to it; see `gains`.

    Args:
        conditions: What it works under.
        draw: The random signs; None: from the seed.

    Raises:
        UnsupportedError: No chain of blocks, or a block that enlarges its map.
        UndefinedScore: A feature that is NaN or infinite.
    """
    return _measured("block_gains", conditions, draw or signs_from_seed())


def _measured(name: str, conditions: Conditions, draw: Draw) -> object:
    """One of the two, and the other where it is wanted as well, from one forward pass."""
    if name not in conditions.found:
        features, axis = block_features(conditions)
        wanted = {"block_spectra", "block_gains"} & conditions.needs | {name}
        if "block_spectra" in wanted:
            spectra = (covariance_spectrum(feature.detach(), axis)[0] for feature in features)
            conditions.found["block_spectra"] = tuple(spectra)
        if "block_gains" in wanted:
            conditions.found["block_gains"] = gains(features, axis, draw)
    return conditions.found[name]


def block_features(conditions: Conditions) -> tuple[list[Tensor], int]:
    """The features, with the graph between them, and the axis of their channels: 1 or -1."""
    blocks = find_blocks(conditions)
    tokens = blocks.channel_axis == -1
    taps = _Streams(blocks) if tokens else _Outputs(blocks)
    with ExitStack() as stack:
        taps.attach(stack)
        stack.enter_context(conditions.mode(conditions.n))
        if isinstance(taps, _Streams):
            stack.enter_context(taps)
        call(conditions.model.model, conditions.batch.inputs)
    features = [feature for feature, _ in taps.taken]
    if any(feature._version != version for feature, version in taps.taken):
        raise UnsupportedError(
            "the output of a block is overwritten after it is read: write the operation that "
            "follows without inplace=True"
        )
    if not all(bool(torch.isfinite(feature).all()) for feature in features):
        raise UndefinedScore("the output of a block is NaN or infinite")
    if len(features) < SMALLEST:
        raise UnsupportedError("the blocks of the network give one feature only: two are needed")
    return features, blocks.channel_axis


def _taken(out: Tensor) -> Tensor:
    """`out` as a point that can be differentiated by."""
    return out if out.requires_grad else out.detach().requires_grad_()


class _Outputs:
    """Takes the outputs of the stem and the blocks.

    Args:
        blocks: Those of the model.
    """

    def __init__(self, blocks: Blocks) -> None:
        self.taken: list[tuple[Tensor, int]] = []
        self._blocks = blocks
        self._counts: dict[int, int] = {}

    def attach(self, stack: ExitStack) -> None:
        """Hook the modules for the time of `stack`."""
        for module in {id(module): module for module, _ in self._blocks.calls}.values():
            stack.callback(module.register_forward_hook(self._leave).remove)

    def _leave(self, module: nn.Module, _args: Any, out: Any) -> Any:
        number = self._counts.get(id(module), 0)
        self._counts[id(module)] = number + 1
        if (module, number) not in self._blocks.calls:
            return out
        tensor = first_output(out)
        if tensor is None:
            return out
        if tensor is not out:  # inside a tuple, in which it has to stay
            tensor.requires_grad_()
            self.taken.append((tensor, tensor._version))
            return out
        kept = _taken(tensor)
        self.taken.append((kept, kept._version))
        return kept.clone()  # what works in place on it leaves the feature alone


class _Streams(TorchFunctionMode):
    """Takes the residual stream of token blocks after every addition to it.

    On the stream are a block's input, sums with it, and these normalised; a block without such a
    sum gives its output.

    Args:
        blocks: Those of the model.
    """

    def __init__(self, blocks: Blocks) -> None:
        super().__init__()
        self.taken: list[tuple[Tensor, int]] = []
        self._blocks = blocks
        self._counts: dict[int, int] = {}
        self._stream: dict[int, Tensor] | None = None
        self._before = 0

    def attach(self, stack: ExitStack) -> None:
        """Hook the modules for the time of `stack`."""
        for module in {id(module): module for module, _ in self._blocks.calls}.values():
            enter = module.register_forward_pre_hook(self._enter, with_kwargs=True)
            stack.callback(enter.remove)
            stack.callback(module.register_forward_hook(self._leave).remove)

    def _enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        number = self._counts.get(id(module), 0)
        self._counts[id(module)] = number + 1
        if (module, number) in self._blocks.calls:
            given = first_output((args, kwargs))
            self._stream = {} if given is None else {id(given): given}
            self._before = len(self.taken)

    def _leave(self, _module: nn.Module, _args: Any, out: Any) -> Any:
        if self._stream is None:
            return out
        self._stream = None
        tensor = first_output(out)
        if len(self.taken) > self._before or tensor is None:
            return out
        if tensor is not out:
            tensor.requires_grad_()
            self.taken.append((tensor, tensor._version))
            return out
        kept = _taken(tensor)
        self.taken.append((kept, kept._version))
        return kept.clone()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if self._stream is None or not args:
            return out
        if func in _NORMS and id(args[0]) in self._stream:
            self._stream[id(out)] = out
        if func in _ADDITIONS and self._joins(args, out):
            return self._take(func, out)
        return out

    def _joins(self, args: tuple[Any, ...], out: Tensor) -> bool:
        """Whether a sum adds something of its own shape to the stream."""
        stream = self._stream or {}
        return (
            len(args) > 1
            and all(isinstance(each, Tensor) and each.shape == out.shape for each in args[:2])
            and any(id(each) in stream for each in args[:2])
        )

    def _take(self, func: Any, out: Tensor) -> Tensor:
        if func is Tensor.add_:
            raise UnsupportedError(
                "a block adds to its residual stream in place: write x = x + y in place of x += y"
            )
        kept = _taken(out)
        self.taken.append((kept, kept._version))
        again = kept.clone()
        if self._stream is not None:
            self._stream[id(again)] = again
        return again


_ADDITIONS = (torch.add, Tensor.add, Tensor.add_)
_NORMS = (F.layer_norm, *([F.rms_norm] if hasattr(F, "rms_norm") else []))


def signs_from_seed() -> Draw:
    """Random signs that depend on the seed alone, and not on what else was drawn from it."""
    generator = torch.Generator().manual_seed(torch.initial_seed())

    def draw(_number: int, feature: Tensor) -> Tensor:
        bits = torch.randint(2, feature.shape, generator=generator)
        return (2 * bits - 1).to(feature)

    return draw


def gains(features: Sequence[Tensor], axis: int, draw: Draw) -> Tensor:
    """How much each block lets pass of a gradient of random signs, [K - 1], float64.

    With d the random signs at the block's output, g the gradient that they become at its input and
    T positions over all samples, it is the largest singular value of sum over positions of g d'/T,
    channels by channels. Where the block divides a map's sides, the positions of g that become one
    are channels of their own. NaN stands for a block that hands signs back as they came.

    Args:
        features: Of the stem and the blocks, with the graph between them.
        axis: Of their channels, 1 or -1.
        draw: The random signs.
    """
    pairs = enumerate(itertools.pairwise(features), start=1)
    found = [_gain(before, after, draw(k, after), axis) for k, (before, after) in pairs]
    return torch.tensor(found, dtype=torch.float64)


def _gain(before: Tensor, after: Tensor, signs: Tensor, axis: int) -> float:
    found = torch.autograd.grad(after, before, signs, retain_graph=True, materialize_grads=True)
    gradient = found[0]  # zeros where there is no path
    if gradient.shape == signs.shape and torch.equal(gradient, signs):
        return math.nan
    out = signs.movedim(axis, 1)
    given = _at_positions_of(gradient.movedim(axis, 1), out, tokens=axis == -1)
    rows = _rows(out)
    product = (_rows(given).T @ rows).double() / len(rows)
    return float(torch.linalg.matrix_norm(product, 2))


def _rows(x: Tensor) -> Tensor:
    """[n, c, *positions] to [n T, c]."""
    return x.movedim(1, -1).flatten(0, -2)


def _at_positions_of(x: Tensor, like: Tensor, *, tokens: bool) -> Tensor:
    """`x`, [n, c, *positions], with the positions of `like`; those that become one are channels."""
    sides, wanted = x.shape[2:], like.shape[2:]
    if sides == wanted:
        return x
    widened = any(a < b for a, b in zip(sides, wanted, strict=True))
    if widened or (tokens and len(sides) == 1):
        raise UnsupportedError(
            f"a block goes from {tuple(sides)} to {tuple(wanted)} positions: only blocks that keep "
            "or divide the sides of a map have a gain"
        )
    strides = [-(-a // b) for a, b in zip(sides, wanted, strict=True)]
    missing = [s * b - a for s, a, b in zip(strides, sides, wanted, strict=True)]
    x = F.pad(x, [side for each in reversed(missing) for side in (0, each)])
    for place, stride in enumerate(strides):  # each side p becomes p / s, and the s join channels
        x = x.unflatten(2 + place, (-1, stride)).movedim(3 + place, 2).flatten(1, 2)
    return x


COLLECTORS.add(
    "block_spectra", Collector(cost="two forwards, one of two samples", collect=block_spectra)
)
COLLECTORS.add(
    "block_gains",
    Collector(cost="two forwards, one of two samples, and one backward", collect=block_gains),
)
