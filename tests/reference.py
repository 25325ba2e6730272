"""Per-sample gradients and their statistics, the slow and obvious way.

Plain torch, nothing of the engine. Every sample runs alone through a private deep copy of the
network. Where the statistics of a normalisation come from the whole batch, the n copies run side by
side, each in a thread of its own, and wait for each other there. So in `norm=batch` the gradient
arriving at the weights of copy i is the definition itself: that of the whole batch's loss with
respect to weights which only sample i uses.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils import checkpoint as checkpointing
from torch.utils._pytree import tree_map_only

RELU, HARDTANH, ATTENTION = torch.relu, F.hardtanh, F.scaled_dot_product_attention
PACKED = {"in_proj_weight": "weight", "in_proj_bias": "bias"}


@dataclass
class LayerCall:
    """One call of a weight layer by one sample, channels on the last axis."""

    name: str
    inputs: Tensor
    gradient: Tensor | None = None


@dataclass
class Trace:
    """What one sample's run through its copy leaves behind."""

    norm: str
    index: int = 0
    meeting: Meeting | None = None
    moments: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    record_moments: bool = False
    norm_calls: int = 0
    codes: list[Tensor] = field(default_factory=list)
    reached: set[int] = field(default_factory=set)
    layers: list[LayerCall] = field(default_factory=list)


class Meeting:
    """Where the n copies bring their rows together, call by call."""

    def __init__(self, n: int) -> None:
        self.barrier = threading.Barrier(n, timeout=20)
        self.rows: list[Tensor] = [torch.empty(0)] * n
        self.results: tuple[Tensor, ...] = ()

    def together(self, index: int, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """The rows of `index` of `function` applied to everybody's rows."""
        self.rows[index] = x
        if self.barrier.wait() == 0:
            self.results = function(torch.cat(self.rows)).split([len(r) for r in self.rows])
        self.barrier.wait()
        result = self.results[index]
        self.barrier.wait()
        return result


_now = threading.local()


def _normalised(x: Tensor, mean: Tensor, variance: Tensor, eps: float) -> Tensor:
    # written out: torch 2.13's own backward is wrong for one row and a channels-last gradient
    return (x - mean) / (variance + eps).sqrt()


def _by_channel(vector: Tensor, x: Tensor) -> Tensor:
    return vector.view(1, -1, *[1] * (x.dim() - 2))


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    x = x if weight is None else x * _by_channel(weight, x)
    return x if bias is None else x + _by_channel(bias, x)


def _of_rows(rows: Tensor, eps: float) -> Tensor:
    axes = [0, *range(2, rows.dim())]
    mean, variance = rows.mean(axes, keepdim=True), rows.var(axes, correction=0, keepdim=True)
    return _normalised(rows, mean, variance, eps)


def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    trace: Trace = _now.trace
    if trace.norm == "identity":
        return x
    if trace.norm == "frozen":
        if running_mean is None or running_var is None:
            raise NotImplementedError("no running statistics")
        moments = (running_mean, running_var)
    elif trace.norm == "batch_fixed":
        if trace.record_moments:
            axes = [0, *range(2, x.dim())]
            trace.moments.append((x.mean(axes), x.var(axes, correction=0)))
        moments = trace.moments[trace.norm_calls]
        trace.norm_calls += 1
    elif trace.meeting is None:  # `sample`, or a batch of one
        return _affine(_of_rows(x, eps), weight, bias)
    else:  # each copy keeps its own weight and bias, only the statistics are common
        together = trace.meeting.together(trace.index, x, lambda rows: _of_rows(rows, eps))
        return _affine(together, weight, bias)
    mean, variance = (_by_channel(moment, x) for moment in moments)
    return _affine(_normalised(x, mean, variance, eps), weight, bias)


def _instance_norm(
    x: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if running_mean is not None and _now.trace.norm in ("batch_fixed", "frozen", "identity"):
        return _batch_norm(x, running_mean, running_var, weight, bias, False, 0.0, eps)
    axes = list(range(2, x.dim()))
    mean, variance = x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)
    return _affine(_normalised(x, mean, variance, eps), weight, bias)


def _relu(x: Tensor, inplace: bool = False) -> Tensor:
    return _noted(torch.relu_(x) if inplace else RELU(x))


def _hardtanh(x: Tensor, low: float, high: float, inplace: bool = False) -> Tensor:
    out = HARDTANH(x, low, high, inplace)
    return _noted(out) if low == 0 else out  # that is a ReLU6


def _noted(out: Tensor) -> Tensor:
    trace: Trace = _now.trace
    number = len(trace.codes)
    trace.codes.append(out.detach() > 0)
    if out.requires_grad:
        out.register_hook(lambda _: trace.reached.add(number))
    return out


def _without_dropout(x: Tensor, *_: Any, **__: Any) -> Tensor:
    return x


def _attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **options: Any,
) -> Tensor:
    return ATTENTION(q, k, v, attn_mask, 0.0, is_causal, **options)


def _at_once(function: Callable[..., Any], *args: Any, **_: Any) -> Any:
    return function(*args)  # a checkpoint runs again in the backward pass, out of our reach


@contextmanager
def _conditions() -> Iterator[None]:
    """Context in which modules and functional calls do as the current trace says."""
    replaced = {
        "batch_norm": _batch_norm,
        "instance_norm": _instance_norm,
        "relu": _relu,
        "hardtanh": _hardtanh,
        "scaled_dot_product_attention": _attention,
        **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d"), _without_dropout),
    }
    with (
        patch.multiple(F, **replaced),
        patch.object(torch, "relu", _relu),
        patch.object(checkpointing, "checkpoint", _at_once),
    ):
        yield


def plain(model: nn.Module) -> nn.Module:
    """A deep copy in which weights are ordinary parameters and recurrent dropout is off."""
    model = copy.deepcopy(model)
    for module in list(model.modules()):
        if parametrize.is_parametrized(module):
            for name in list(module.parametrizations):
                parametrize.remove_parametrizations(module, name, leave_parametrized=True)
        if isinstance(module, (nn.RNNBase, nn.MultiheadAttention)):
            module.dropout = 0.0
    return model


def block_parameters(model: nn.Module, params: str = "default") -> dict[str, nn.Parameter]:
    """The trainable parameters that make up the blocks, each under every name it has."""
    found = {}
    for prefix, module in model.named_modules(remove_duplicate=False):
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            if parameter.requires_grad and (params == "all" or _is_block(module, name)):
                found[f"{prefix}.{name}" if prefix else name] = parameter
    return found


def _is_block(module: nn.Module, name: str) -> bool:
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return name.startswith("weight")
    if isinstance(module, nn.MultiheadAttention):
        return name.endswith("proj_weight")
    return name == "weight" and is_layer(module)


def is_layer(module: nn.Module) -> bool:
    """Whether calls of `module` are weight layers."""
    kinds = (nn.modules.conv._ConvNd, nn.Linear, nn.Bilinear)
    return isinstance(module, kinds) or type(module).__name__ == "Conv1D"


def call(model: nn.Module, inputs: Any) -> Any:
    """`model(x)`, `model(*x)` or `model(**x)`."""
    if isinstance(inputs, dict):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def default_loss(output: Any, targets: Tensor) -> Tensor:
    """Cross-entropy for integers, summed squared error for floats, one number a sample."""
    output = getattr(output, "logits", output)
    if targets.is_floating_point():
        return (output - targets).square().flatten(1).sum(1)
    return -output.log_softmax(1).gather(1, targets[:, None])[:, 0]


def logit_sum(output: Any, targets: Any) -> Tensor:
    """Sum of all outputs of each sample."""
    return getattr(output, "logits", output).flatten(1).sum(1)


def forward(
    copies: list[nn.Module],
    batch: tuple[Any, Any],
    norm: str,
    loss_fn: Any = None,
    moments: list[tuple[Tensor, Tensor]] | None = None,
) -> tuple[Tensor, list[Trace]]:
    """The n losses, sample i's by copy i, and what each run left behind."""
    n = len(copies)
    if norm == "batch_fixed" and moments is None:
        moments = batch_moments(copies[0], batch[0])
    meeting = Meeting(n) if norm in ("batch", "batch_exact") and n > 1 else None
    traces = [Trace(norm, i, meeting, list(moments or [])) for i in range(n)]

    def run(i: int) -> Tensor:
        torch.set_grad_enabled(True)
        _now.trace = traces[i]
        inputs, targets = tree_map_only(Tensor, lambda t: t[i : i + 1], batch)
        try:
            with _recorded(copies[i], traces[i]):
                return (loss_fn or default_loss)(call(copies[i], inputs), targets).squeeze(0)
        except BaseException:
            if meeting is not None:
                meeting.barrier.abort()
            raise

    with _conditions():
        if meeting is None:
            return torch.stack([run(i) for i in range(n)]), traces
        with ThreadPoolExecutor(n) as pool:
            return torch.stack(list(pool.map(run, range(n)))), traces


def batch_moments(model: nn.Module, inputs: Any) -> list[tuple[Tensor, Tensor]]:
    """Mean and biased variance at each normalisation call of one forward over the batch."""
    with torch.no_grad(), _conditions():
        _now.trace = Trace("batch_fixed", record_moments=True)
        call(model, inputs)
        return _now.trace.moments


@contextmanager
def _recorded(model: nn.Module, trace: Trace) -> Iterator[None]:
    """Context in which calls of weight layers are written down, input and output gradient."""

    def hook(name: str, module: nn.Module, args: Any, kwargs: Any, out: Tensor) -> None:
        x = args[0] if args else kwargs["input"]
        axis = 1 if isinstance(module, nn.modules.conv._ConvNd) else -1
        entry = LayerCall(name, _rows(x, axis))
        trace.layers.append(entry)
        if out.requires_grad:
            out.register_hook(lambda grad: setattr(entry, "gradient", _rows(grad, axis)))

    handles = []
    for name, module in model.named_modules():
        if is_layer(module) and any(p.requires_grad for p in [module.weight]):

            def bound(m: Any, a: Any, k: Any, o: Any, name: str = name) -> None:
                hook(name, m, a, k, o)

            handles.append(module.register_forward_hook(bound, with_kwargs=True, prepend=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _rows(x: Tensor, axis: int) -> Tensor:
    return x.detach().clone().movedim(axis, -1).flatten(0, -2)


@dataclass
class Reference:
    """What the definitions are applied to.

    Args:
        names: Every name of each block.
        gradients: [n, *shape] for each block, by its first name.
        weights: The blocks themselves.
        filters: Output filter of every weight, in the block's shape.
        codes: [n, units], True where a ReLU that the backward pass reaches is on.
        layers: The calls of weight layers, for each sample.
    """

    names: dict[str, list[str]]
    gradients: dict[str, Tensor]
    weights: dict[str, Tensor]
    filters: dict[str, Tensor]
    codes: Tensor
    layers: list[list[LayerCall]]


def measure(
    model: nn.Module,
    batch: tuple[Any, Any],
    norm: str,
    loss_fn: Any = None,
    params: str = "default",
) -> Reference:
    """Per-sample gradients of `model` in norm mode `norm`, as the definition has them."""
    targets = batch[1]
    n = len(targets)
    base = plain(model)
    copies = [copy.deepcopy(base) for _ in range(n)]
    blocks = [block_parameters(c, params) for c in copies]
    losses, traces = forward(copies, batch, norm, loss_fn)
    if norm == "batch_exact":
        gradients = _by_n_backwards(losses, blocks)
    else:
        losses.sum().backward()
        gradients = {
            name: torch.stack(
                [
                    torch.zeros_like(b[name]) if b[name].grad is None else b[name].grad
                    for b in blocks
                ]
            )
            for name in blocks[0]
        }
    codes = [
        torch.cat(
            [c.flatten() for k, c in enumerate(t.codes) if k in t.reached]
            or [torch.zeros(0, dtype=torch.bool)]
        )
        for t in traces
    ]
    return _assembled(base, params, gradients, torch.stack(codes), [t.layers for t in traces])


def _by_n_backwards(losses: Tensor, blocks: list[dict[str, nn.Parameter]]) -> dict[str, Tensor]:
    """d l_i / d w with the weights common to all samples: the sum over everybody's copy."""
    rows: dict[str, list[Tensor]] = {name: [] for name in blocks[0]}
    for loss in losses:
        for block in blocks:
            for parameter in block.values():
                parameter.grad = None
        loss.backward(retain_graph=True)
        for name, row in rows.items():
            grads = [b[name].grad for b in blocks]
            zero = torch.zeros_like(blocks[0][name])
            row.append(torch.stack([zero if g is None else g for g in grads]).sum(0))
    return {name: torch.stack(row) for name, row in rows.items()}


def _assembled(
    base: nn.Module,
    params: str,
    gradients: dict[str, Tensor],
    codes: Tensor,
    layers: list[list[LayerCall]],
) -> Reference:
    """Blocks that are one tensor merged, packed projections of attention split."""
    result = Reference({}, {}, {}, {}, codes, layers)
    by_id: dict[int, str] = {}
    for name, parameter in block_parameters(base, params).items():
        known = by_id.setdefault(id(parameter), name)
        keys = _parts(name)
        if known != name:
            for key, alias in zip(_parts(known), keys, strict=True):
                result.names[key].append(alias)
            continue
        filters = _filters(base.get_submodule(name.rpartition(".")[0]), name, parameter)
        for part, key in enumerate(keys):
            result.names[key] = [key]
            result.gradients[key] = gradients[name].chunk(len(keys), 1)[part]
            result.weights[key] = parameter.detach().chunk(len(keys))[part]
            result.filters[key] = filters.chunk(len(keys))[part]
    return result


def _parts(name: str) -> list[str]:
    """Names of the blocks that a parameter makes up: packed projections are three."""
    prefix, _, last = name.rpartition(".")
    prefix = f"{prefix}." if prefix else ""
    if last in PACKED:
        return [f"{prefix}in_proj_{part}.{PACKED[last]}" for part in "qkv"]
    if last.endswith("_proj_weight") and last[0] in "qkv":
        return [f"{prefix}in_proj_{last[0]}.weight"]
    return [name]


def _filters(module: nn.Module, name: str, weight: Tensor) -> Tensor:
    """Output filter of every weight: axis 0, but for transposed convolutions and Conv1D axis 1."""
    if weight.dim() == 0:
        return torch.zeros((), dtype=torch.long)
    axis, offset = 0, torch.zeros(weight.shape[0], dtype=torch.long)
    if name.endswith("weight") and isinstance(module, nn.modules.conv._ConvTransposeNd):
        axis, width = 1, weight.shape[1]
        offset = torch.arange(weight.shape[0]) // (weight.shape[0] // module.groups) * width
    if name.endswith("weight") and type(module).__name__ == "Conv1D":
        axis = 1
    number = torch.arange(weight.shape[axis])
    ones = [1] * (weight.dim() - 1)
    number = number.view(-1, *ones) if axis == 0 else number.view(1, -1, *ones[1:])
    return (number + offset.view(-1, *ones)).expand(weight.shape)
