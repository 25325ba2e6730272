"""The affine map that a network is around a point, and how far that map holds.

A network of affine layers, ReLUs and max pooling is affine on each of its activation regions. To
get that map no derivative is taken: next to each base point run the base point moved by a
direction, with the gates of the base point. What comes out is the affine extension of the base
point's region, so differences are its slopes, exact but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gradalign.errors import UnsupportedError

NOISE = 1e-12
"""Slope of a unit, as a share of the numbers it is made of, up to which it is rounding noise."""

TOLERANCE = 1e-7
"""Relative error up to which an output counts as that of the affine map."""


@dataclass(frozen=True)
class Affine:
    """Units and outputs as affine functions of k coordinates, around each of m base points.

    A unit is what a gate looks at: the input of a ReLU, or the lead of the largest entry of a
    pooling window over another. On a region no unit changes its sign.

    Args:
        units: [m, U], their values at the base points.
        unit_slopes: [m, U, k].
        winners: [m, W], which entry of each pooling window is the largest.
        outputs: [m, D], the network's output there.
        output_slopes: [m, D, k].
    """

    units: Tensor
    unit_slopes: Tensor
    winners: Tensor
    outputs: Tensor
    output_slopes: Tensor

    @property
    def on(self) -> Tensor:
        """[m, U], bool: on which side of zero each unit is."""
        return self.units > 0

    def code(self, k: int) -> bytes:
        """What is the same on the whole region of a base point, and on no other region."""
        return self.on[k].numpy().tobytes() + self.winners[k].numpy().tobytes()


class PiecewiseLinear:
    """A network along k directions of its input space, in double precision and eval mode.

    Args:
        model: Affine layers, ReLUs (capped or leaky ones too), max pooling in two dimensions, batch
            normalisation, dropout. It is left as it was.
        origin: A single input, without batch axis.
        directions: k tensors of its shape.
    """

    def __init__(self, model: nn.Module, origin: Tensor, directions: Sequence[Tensor]) -> None:
        self._model = model
        self._origin = origin.double()
        self._directions = torch.stack([d.double() for d in directions])  # [k, *shape]

    def around(self, points: Tensor) -> Affine:
        """The affine maps at [m, k] coordinates.

        Raises:
            UnsupportedError: A function that is not piecewise linear.
        """
        m, k = points.shape
        base = self._inputs(points)
        moved = [base + d.view(1, *d.shape) for d in self._directions]
        gates = _Gates(m, k)
        with _ready(self._model), gates:
            out = self._model(torch.cat([base, *moved]))
        if not isinstance(out, Tensor):
            raise UnsupportedError("the network must return one tensor")
        units = torch.cat(gates.units, 1) if gates.units else base.new_zeros((k + 1) * m, 0)
        values, slopes = _split(units, m, k)
        outputs, output_slopes = _split(out.flatten(1), m, k)
        winners = torch.cat(gates.winners, 1) if gates.winners else base.new_zeros(m, 0)
        return Affine(values, slopes, winners, outputs, output_slopes)

    def outputs(self, points: Tensor) -> Tensor:
        """The network's own outputs at [m, k] coordinates, [m, D]."""
        with _ready(self._model):
            out: Tensor = self._model(self._inputs(points)).flatten(1)
        return out

    def _inputs(self, points: Tensor) -> Tensor:
        return self._origin + torch.einsum("mk,k...->m...", points, self._directions)

    def check(self, affine: Affine, base: Tensor, inside: Tensor) -> None:
        """Compare the map with the network at other points of the same regions, [m, k] each.

        Raises:
            UnsupportedError: They differ: something in the network is not piecewise linear.
        """
        moved = torch.einsum("mdk,mk->md", affine.output_slopes, inside - base)
        expected, found = affine.outputs + moved, self.outputs(inside)
        error = (found - expected).abs().amax() if found.numel() else found.new_zeros(())
        scale = 1 + found.abs().amax() if found.numel() else 1.0
        if not bool(error <= TOLERANCE * scale):
            raise UnsupportedError(
                "the network is not affine on a region of its units: a function in it is neither "
                "affine nor a ReLU nor max pooling"
            )


def _split(stacked: Tensor, m: int, k: int) -> tuple[Tensor, Tensor]:
    """[(k + 1) m, U] to values [m, U] and slopes [m, U, k]."""
    base = stacked[:m]
    slopes = torch.stack([stacked[m * (j + 1) : m * (j + 2)] - base for j in range(k)], -1)
    return base, slopes


@contextmanager
def _ready(model: nn.Module) -> Iterator[None]:
    """Context in which the model is in eval mode and double precision, without gradients."""
    modes = [(module, module.training) for module in model.modules()]
    floats = [t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()]
    data = [tensor.data for tensor in floats]
    try:
        model.eval()
        for tensor in floats:
            tensor.data = tensor.data.double()
        with torch.no_grad():
            yield
    finally:
        for tensor, before in zip(floats, data, strict=True):
            tensor.data = before
        for module, training in modes:
            module.training = training


class _Gates(TorchFunctionMode):
    """Context of a forward pass in which moved points pass the gates of their base points.

    Args:
        m: Number of base points: the first m rows; those of each direction follow.
        k: Number of directions.
    """

    def __init__(self, m: int, k: int) -> None:
        super().__init__()
        self._m = m
        self._copies = k + 1
        self.units: list[Tensor] = []
        self.winners: list[Tensor] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        gate = _GATES.get(func)
        if gate is not None:
            x = args[0] if args else kwargs.pop("input")
            return gate(self, x, *args[1:], **kwargs)
        if func in _REFUSED:
            raise UnsupportedError(
                f"{getattr(func, '__name__', func)} is not piecewise linear, or its regions are "
                "not counted here: use ReLU, max_pool2d and affine layers"
            )
        return func(*args, **kwargs)

    def base(self, x: Tensor) -> Tensor:
        """The rows of the base points."""
        if x.shape[0] != self._m * self._copies:
            raise UnsupportedError("the network moves the samples away from axis 0")
        return x[: self._m]

    def everywhere(self, gate: Tensor) -> Tensor:
        """What holds for the base points, for the moved ones too."""
        return gate.repeat(self._copies, *[1] * (gate.dim() - 1))

    def note(self, units: Tensor, scale: Tensor) -> None:
        """Take units, [(k + 1) m, ...], made of numbers up to `scale`.

        A slope that is rounding noise counts as 0: inputs of a pooling that are equal in exact
        arithmetic would else seem to overtake each other without end.
        """
        flat = units.flatten(1)
        base = self.everywhere(flat[: self._m])
        self.units.append(torch.where((flat - base).abs() <= NOISE * scale, base, flat))


def _relu(gates: _Gates, x: Tensor, **_: Any) -> Tensor:
    return _leaky_relu(gates, x, 0.0)


def _leaky_relu(gates: _Gates, x: Tensor, negative_slope: float = 0.01, **_: Any) -> Tensor:
    gates.note(x, x.abs().amax())
    on = gates.everywhere(gates.base(x) > 0)
    return x * torch.where(on, 1.0, negative_slope)


def _hardtanh(
    gates: _Gates, x: Tensor, min_val: float = -1.0, max_val: float = 1.0, **_: Any
) -> Tensor:
    scale = x.abs().amax()
    gates.note(x - min_val, scale)
    gates.note(x - max_val, scale)
    base = gates.base(x)
    low, high = gates.everywhere(base <= min_val), gates.everywhere(base >= max_val)
    return torch.where(low, min_val, torch.where(high, max_val, x))


def _relu6(gates: _Gates, x: Tensor, **_: Any) -> Tensor:
    return _hardtanh(gates, x, 0.0, 6.0)


def _max_pool2d(
    gates: _Gates,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    **others: Any,
) -> Tensor:
    if others.get("ceil_mode") or others.get("return_indices") or x.dim() != 4:
        raise UnsupportedError("max_pool2d with ceil_mode or indices: its regions are not counted")
    size, pad, gaps = _pair(kernel_size), _pair(padding), _pair(dilation)
    steps = _pair(kernel_size if stride is None else stride)
    n, channels, height, _ = x.shape
    away = torch.finfo(x.dtype).max / 4  # never the largest, and its slopes are 0
    padded = F.pad(x, (pad[1], pad[1], pad[0], pad[0]), value=-away)
    windows = F.unfold(padded, size, dilation=gaps, stride=steps)
    windows = windows.view(n, channels, size[0] * size[1], -1)
    winners = gates.base(windows).argmax(2, keepdim=True)
    gates.winners.append(winners.flatten(1))
    largest = gates.everywhere(winners)
    pooled = windows.gather(2, largest)
    rivals = torch.ones_like(windows, dtype=torch.bool).scatter(2, largest, value=False)
    behind = torch.where(rivals & (windows > -away), pooled - windows, 1.0)
    gates.note(behind, x.abs().amax())
    rows = (height + 2 * pad[0] - gaps[0] * (size[0] - 1) - 1) // steps[0] + 1
    return pooled.view(n, channels, rows, -1)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


_GATES: dict[Any, Callable[..., Tensor]] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_), _relu),
    **dict.fromkeys((F.leaky_relu, F.leaky_relu_), _leaky_relu),
    **dict.fromkeys((F.hardtanh, F.hardtanh_), _hardtanh),
    F.relu6: _relu6,
    F.max_pool2d: _max_pool2d,
    torch.max_pool2d: _max_pool2d,
}

_REFUSED_NAMES = (
    *("gelu", "silu", "mish", "elu", "celu", "selu", "softplus", "sigmoid", "tanh", "softsign"),
    *("softmax", "log_softmax", "hardswish", "hardsigmoid", "tanhshrink", "prelu", "rrelu", "glu"),
    *("layer_norm", "group_norm", "instance_norm", "rms_norm", "normalize"),
    *("scaled_dot_product_attention", "max_pool1d", "max_pool3d", "amax", "amin", "max", "min"),
    *("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "maximum", "minimum"),
    *("abs", "exp", "log", "sqrt", "square", "pow", "clamp", "sort", "topk"),
)
_REFUSED = frozenset(
    getattr(place, name)
    for place in (F, torch, Tensor)
    for name in _REFUSED_NAMES
    if hasattr(place, name)
)
