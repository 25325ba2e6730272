"""Put a model in the state that a probe asks for, and bring it back exactly as it was."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gradalign.engine import _attention
from gradalign.engine._modes import norm_names
from gradalign.engine._precision import full_precision
from gradalign.engine._weights import Selection, Weight, find_weights
from gradalign.errors import UnsupportedError
from gradalign.probe import Probe


@dataclass(frozen=True)
class Prepared:
    """A model in the state of a probe.

    Args:
        model: The model, all parameters frozen, in eval mode.
        weights: The blocks, as parameters of `model`.
        modules: Every module by its names; one that is used twice stands under each of its names.
        names: Names of layers by the `id` of their parameters and buffers, for messages.
    """

    model: nn.Module
    weights: list[Weight]
    modules: dict[str, nn.Module]
    names: dict[int, str]


def unwrap(model: nn.Module) -> nn.Module:
    """The module behind `torch.compile`, whose compiled code would run no hook."""
    original = getattr(model, "_orig_mod", model)
    if isinstance(original, torch.jit.ScriptModule):
        raise UnsupportedError("a scripted module hides its layers: pass the module it came from")
    if not isinstance(original, nn.Module):
        raise UnsupportedError(f"expected an nn.Module, found {type(original).__name__}")
    tables = ((*m._parameters.values(), *m._buffers.values()) for m in original.modules())
    if any(t is not None and nn.parameter.is_lazy(t) for table in tables for t in table):
        raise UnsupportedError("the model has uninitialised lazy layers: run one forward first")
    return original


@contextmanager
def prepared(
    model: nn.Module, probe: Probe, params: str | Selection = "default"
) -> Iterator[Prepared]:
    """Context in which `model` is in the state of `probe`.

    Afterwards, also after an exception, everything is as before: parameters and buffers (the same
    objects with the same values), gradients, training flags, classes, hooks and the state of the
    random number generators. Under it gradients are recorded, autocast and TF32 are off and cuDNN
    is deterministic, whatever the caller's context.
    """
    with ExitStack() as stack:
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        stack.enter_context(
            torch.random.fork_rng([device] if device.type == "cuda" else [], enabled=True)
        )
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast(device.type, enabled=False))
        stack.enter_context(full_precision())
        # The fused encoder kernel runs when nothing requires a gradient, and past every hook.
        stack.callback(
            torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled()
        )
        torch.backends.mha.set_fastpath_enabled(False)
        found = list(model.modules())  # a walk over a deep model costs as much as a small layer
        parameters = list(model.parameters())
        _save_buffers(found, stack)
        _save_renormalised(found, stack)
        _save_flags(found, parameters, stack)
        _set_values(found, [*parameters, *model.buffers()], probe, stack)
        trainable = {id(p) for p in parameters if p.requires_grad}
        trainable |= _materialise_parametrizations(found, stack)
        trainable |= _split_attention(found, stack)
        modules = dict(model.named_modules(remove_duplicate=False))
        weights = find_weights(modules, lambda p: id(p) in trainable, params)
        names = norm_names(modules)
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        yield Prepared(model, weights, modules, names)


def _save_buffers(modules: Sequence[nn.Module], stack: ExitStack) -> None:
    """Restore the tables of buffers and the values of each buffer."""
    tables = [(module._buffers, dict(module._buffers)) for module in modules if module._buffers]
    buffers = [b for _, table in tables for b in table.values() if b is not None]
    saved = [(buffer, buffer.data, buffer.detach().clone()) for buffer in buffers]

    def restore() -> None:
        for buffer, storage, value in saved:
            _restore_value(buffer, storage, value)
        for held, table in tables:
            held.update(table)

    stack.callback(restore)


def _save_renormalised(modules: Sequence[nn.Module], stack: ExitStack) -> None:
    """Restore the weights of embeddings that rescale them in place when they are called."""
    for module in modules:
        if getattr(module, "max_norm", None) is not None and isinstance(
            module, (nn.Embedding, nn.EmbeddingBag)
        ):
            weight = module.weight
            stack.callback(_restore_value, weight, weight.data, weight.detach().clone())


def _restore_value(buffer: Tensor, storage: Tensor, value: Tensor) -> None:
    buffer.data = storage
    if not torch.equal(storage, value):
        with torch.no_grad():
            storage.copy_(value)


def _save_flags(
    modules: Sequence[nn.Module], parameters: Sequence[nn.Parameter], stack: ExitStack
) -> None:
    """Go to eval mode (no dropout), without calling anyone's `train`; drop gradients."""
    training = [module for module in modules if module.training]
    gradients = [(p, p.requires_grad, p.grad) for p in parameters]

    def restore() -> None:
        for module in modules:
            module.training = False
        for module in training:
            module.training = True
        for parameter, required, gradient in gradients:
            parameter.requires_grad_(required)
            parameter.grad = gradient

    stack.callback(restore)
    for module in training:
        module.training = False
    for parameter in parameters:
        parameter.grad = None


def _set_values(
    modules: Sequence[nn.Module], tensors: Sequence[Tensor], probe: Probe, stack: ExitStack
) -> None:
    """Weights and floating-point type as the probe has them, in storage of their own."""
    if probe.weights == "given" and probe.torch_dtype is None:
        return
    floating = [tensor for tensor in tensors if tensor.is_floating_point()]
    for tensor in floating:
        stack.callback(setattr, tensor, "data", tensor.data)
        if probe.weights == "absolute":
            tensor.data = tensor.data.abs()
        elif probe.weights in _DRAWN:
            tensor.data = tensor.data.clone()
    if probe.weights in _DRAWN:
        with torch.no_grad():
            for module in modules:
                _draw(module, probe.weights)
    for tensor in floating:  # after the draw, which must not depend on the type
        tensor.data = tensor.data.to(probe.torch_dtype or tensor.dtype)


_DRAWN: dict[str, Callable[[Tensor], Tensor]] = {
    "gaussian": nn.init.normal_,
    "kaiming_fan_in": functools.partial(
        nn.init.kaiming_normal_, mode="fan_in", nonlinearity="relu"
    ),
}
"""How the weights of convolutions and linear layers are drawn anew."""


def _draw(module: nn.Module, how: str) -> None:
    """Initialise the parameters that `module` itself holds, where it is of a kind that is drawn."""
    weight, bias = module._parameters.get("weight"), module._parameters.get("bias")
    if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)):
        if weight is not None:
            _DRAWN[how](weight)
    elif isinstance(module, _NORMALISATIONS):
        if weight is not None:
            nn.init.ones_(weight)
    else:
        return
    if bias is not None:
        nn.init.zeros_(bias)


_NORMALISATIONS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


def _materialise_parametrizations(modules: Sequence[nn.Module], stack: ExitStack) -> set[int]:
    """Replace parametrized tensors by parameters that hold their effective value."""
    trainable: set[int] = set()
    for module in modules:
        if not parametrize.is_parametrized(module):
            continue
        lists: Any = module.parametrizations
        with torch.no_grad():
            values = {name: getattr(module, name).detach().clone() for name in lists}
        stack.callback(setattr, module, "__class__", type(module))
        module.__class__ = parametrize.type_before_parametrizations(module)
        for name, value in values.items():
            effective = nn.Parameter(value, requires_grad=False)
            stack.callback(module._parameters.pop, name)
            module._parameters[name] = effective
            if any(p.requires_grad for p in lists[name].parameters()):
                trainable.add(id(effective))
    return trainable


def _split_attention(modules: Sequence[nn.Module], stack: ExitStack) -> set[int]:
    """Let every stock nn.MultiheadAttention run through its projections, as linear layers."""
    trainable: set[int] = set()
    for module in modules:
        if not isinstance(module, nn.MultiheadAttention):
            continue
        if type(module).forward is not nn.MultiheadAttention.forward:
            raise UnsupportedError(
                f"{type(module).__name__} overrides the forward of nn.MultiheadAttention: write "
                "its projections as nn.Linear"
            )
        option = _attention.unsupported_option(module)
        if option is not None:
            raise UnsupportedError(f"nn.MultiheadAttention with {option} is not supported")
        for name, layer in zip(_attention.PROJECTIONS, _attention.projections(module), strict=True):
            trainable |= {id(p) for p in layer.parameters() if p.requires_grad}
            stack.callback(module._modules.pop, name)
            module._modules[name] = layer
        for name in (
            "in_proj_weight",
            "q_proj_weight",
            "k_proj_weight",
            "v_proj_weight",
            "in_proj_bias",
        ):
            if module._parameters.get(name) is not None:
                stack.callback(module._parameters.__setitem__, name, module._parameters[name])
                module._parameters[name] = None
        stack.callback(module.__dict__.pop, "forward")
        module.__dict__["forward"] = functools.partial(_attention.forward, module)
    return trainable
