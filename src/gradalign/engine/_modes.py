"""One forward pass under the probe's conditions, by intercepting the functions that modules call.

Norm modes, switched-off randomness and activation codes act on the functional calls, so they hold
for modules, subclasses and functional code alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gradalign.engine import _norm
from gradalign.engine._attention import attention_weights
from gradalign.errors import UnsupportedError
from gradalign.probe import NormMode

Moments = tuple[Tensor, Tensor]


class PassMode(TorchFunctionMode):
    """Context in which a forward pass sees the probe's norm mode and no randomness.

    Args:
        norm: The norm mode.
        n: Number of samples of the forward pass.
        names: Names of the normalisation layers by the `id` of a tensor they pass, for messages.
        fixed_moments: Statistics to hold constant, one pair for each normalisation call in order;
            None: those of the batch at hand.
        on_relu: Called with the input and the output of every ReLU, capped ones (ReLU6) included.
        on_gelu: Called with the input and the output of every GELU and SiLU.
        on_attention: Called with all weights of every attention, [n, heads, targets, sources].
        per_sample: How every sample is normalised by itself; another than the default, which
            is fast, is for a pass that is differentiated twice or runs under vmap.
    """

    def __init__(
        self,
        norm: NormMode,
        n: int,
        names: Mapping[int, str],
        *,
        fixed_moments: list[Moments] | None = None,
        on_relu: Callable[[Tensor, Tensor], None] | None = None,
        on_gelu: Callable[[Tensor, Tensor], None] | None = None,
        on_attention: Callable[[Tensor], None] | None = None,
        per_sample: _norm.PerSample = _norm.per_sample,
    ) -> None:
        super().__init__()
        self.norm = norm
        self.n = n
        self.names = names
        self.moments: list[Moments] = []
        self.record_moments = False
        self.clock = 0
        self.last_norm = -1
        self._fixed = fixed_moments
        self._call = 0
        self.on_relu = on_relu
        self.on_gelu = on_gelu
        self.on_attention = on_attention
        self._per_sample = per_sample

    def tick(self) -> int:
        """A time stamp that orders the calls of one forward pass."""
        self.clock += 1
        return self.clock

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        handler = _HANDLERS.get(func)
        if handler is None:
            return func(*args, **(kwargs or {}))
        return handler(self, func, args, kwargs or {})

    def normalise(
        self,
        x: Tensor,
        running: tuple[Tensor | None, Tensor | None],
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
    ) -> Tensor:
        """Output of a batch normalisation in this mode."""
        self.last_norm = self.tick()
        name = self._name(*running, weight, bias)
        if self.norm == "identity":
            return x
        if self.norm == "frozen":
            return _norm.frozen(x, *running, weight, bias, eps, name)
        if self.norm == "batch_fixed":
            return self._fixed_norm(x, weight, bias, eps, name)
        if self.norm == "sample" or self.n == 1:
            if _norm.positions(x, self.n) < 2:
                raise UnsupportedError(
                    f"norm mode {self.norm!r}: {name} sees one value a channel and sample, which "
                    "has no variance; choose norm='batch_fixed' or 'batch' with two samples or more"
                )
            return self.normalise_each(x, self.n, weight, bias, eps)
        return F.batch_norm(x, None, None, weight, bias, True, 0.0, eps)

    def normalise_each(
        self, x: Tensor, n: int, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> Tensor:
        """Output of a normalisation of each of the n parts of axis 0 by itself."""
        return self._per_sample(x, n, weight, bias, eps)

    def _fixed_norm(
        self, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, name: str
    ) -> Tensor:
        if self._fixed is not None:
            mean, variance = self._fixed[self._call]
            self._call += 1
            return _norm.by_moments(x, mean, variance, weight, bias, eps)
        if x.numel() == x.shape[1]:
            raise UnsupportedError(
                f"norm mode 'batch_fixed': {name} sees one value a channel, which has no variance; "
                "give two samples or more, or choose norm='frozen'"
            )
        if self.record_moments:
            self.moments.append(_norm.batch_moments(x.detach()))
        return _norm.fixed(x, weight, bias, eps)

    def _name(self, *tensors: Tensor | None) -> str:
        for tensor in tensors:
            if tensor is not None and id(tensor) in self.names:
                return f"layer {self.names[id(tensor)]!r}"
        return "a functional batch norm call"

    def relu(self, x: Tensor, out: Tensor) -> Tensor:
        """Hand a ReLU to whoever reads activation codes."""
        if self.on_relu is not None:
            self.on_relu(x, out)
        return out

    def gelu(self, x: Tensor, out: Tensor) -> Tensor:
        """Hand a GELU or SiLU to whoever reads activation codes."""
        if self.on_gelu is not None:
            self.on_gelu(x, out)
        return out


def _batch_norm(mode: PassMode, _func: Any, args: tuple[Any, ...], kwargs: Any) -> Tensor:
    def unpack(
        input: Tensor,  # noqa: A002 - torch's own argument name
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,  # noqa: ARG001, FBT001, FBT002
        momentum: float | None = 0.1,  # noqa: ARG001
        eps: float = 1e-5,
    ) -> Tensor:
        return mode.normalise(input, (running_mean, running_var), weight, bias, eps)

    return unpack(*args, **kwargs)


def _instance_norm(mode: PassMode, _func: Any, args: tuple[Any, ...], kwargs: Any) -> Tensor:
    def unpack(
        input: Tensor,  # noqa: A002
        running_mean: Tensor | None = None,
        running_var: Tensor | None = None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        use_input_stats: bool = True,  # noqa: ARG001, FBT001, FBT002
        momentum: float = 0.1,  # noqa: ARG001
        eps: float = 1e-5,
    ) -> Tensor:
        if running_mean is not None and mode.norm not in ("sample", "batch", "batch_exact"):
            return mode.normalise(input, (running_mean, running_var), weight, bias, eps)
        mode.last_norm = mode.tick()
        # An instance is a row, however many of them make a sample.
        return mode.normalise_each(input, input.shape[0], weight, bias, eps)

    return unpack(*args, **kwargs)


def _group_norm(mode: PassMode, func: Any, args: tuple[Any, ...], kwargs: Any) -> Tensor:
    def unpack(
        input: Tensor,  # noqa: A002
        num_groups: int,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        mode.last_norm = mode.tick()
        if num_groups == input.shape[1] and input.dim() > 2:
            return mode.normalise_each(input, input.shape[0], weight, bias, eps)
        result: Tensor = func(input, num_groups, weight, bias, eps)
        return result

    return unpack(*args, **kwargs)


def _sample_norm(mode: PassMode, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    mode.last_norm = mode.tick()
    return func(*args, **kwargs)


def _identity(_mode: PassMode, _func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    return args[0] if args else kwargs["input"]


def _attention(mode: PassMode, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    if mode.on_attention is not None:
        mode.on_attention(attention_weights(*args, **kwargs))
    if len(args) > 4:
        args = (*args[:4], 0.0, *args[5:])
    return func(*args, **{**kwargs, **({"dropout_p": 0.0} if len(args) <= 4 else {})})


def _softmax(mode: PassMode, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    out = func(*args, **kwargs)
    axis = args[1] if len(args) > 1 else kwargs.get("dim")
    if mode.on_attention is not None and out.dim() == 4 and axis in (-1, 3):
        mode.on_attention(out)
    return out


def _relu(mode: PassMode, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    x = args[0] if args else kwargs["input"]
    return mode.relu(x, func(*args, **kwargs))


def _hardtanh(mode: PassMode, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    """A ReLU6 where the lower limit is 0: that is how its module calls it."""
    low = args[1] if len(args) > 1 else kwargs.get("min_val", -1.0)
    return _relu(mode, func, args, kwargs) if low == 0 else func(*args, **kwargs)


def _gelu(mode: PassMode, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    x = args[0] if args else kwargs["input"]
    return mode.gelu(x, func(*args, **kwargs))


def _builtin_batch_norm(mode: PassMode, _func: Any, args: tuple[Any, ...], kwargs: Any) -> Tensor:
    """`torch.batch_norm`, whose arguments come in another order and are all required."""
    names = (
        "input",
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "training",
        "momentum",
        "eps",
    )
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    running = given["running_mean"], given["running_var"]
    return mode.normalise(given["input"], running, given["weight"], given["bias"], given["eps"])


_HANDLERS: dict[Any, Callable[[PassMode, Any, tuple[Any, ...], Any], Any]] = {
    F.batch_norm: _batch_norm,
    torch.batch_norm: _builtin_batch_norm,
    F.instance_norm: _instance_norm,
    F.group_norm: _group_norm,
    F.layer_norm: _sample_norm,
    F.scaled_dot_product_attention: _attention,
    **dict.fromkeys(
        (
            F.dropout,
            F.dropout1d,
            F.dropout2d,
            F.dropout3d,
            F.alpha_dropout,
            F.feature_alpha_dropout,
            torch.dropout,
        ),
        _identity,
    ),
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_), _relu),
    F.relu6: _relu,
    **dict.fromkeys((F.hardtanh, F.hardtanh_), _hardtanh),
    **dict.fromkeys((F.gelu, F.silu), _gelu),
    **dict.fromkeys((F.softmax, torch.softmax, Tensor.softmax), _softmax),
}
if hasattr(F, "rms_norm"):
    _HANDLERS[F.rms_norm] = _sample_norm


def norm_names(modules: Mapping[str, nn.Module]) -> dict[int, str]:
    """Names of modules by the `id` of each parameter and buffer they own directly."""
    names: dict[int, str] = {}
    for name, module in modules.items():
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            names.setdefault(id(tensor), name)  # the first of several names
    return names
