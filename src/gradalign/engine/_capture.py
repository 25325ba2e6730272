"""The fast backend: one forward and one backward, with hooks on the modules that hold a block.

The weights are frozen, so autograd computes activation gradients only. As a layer's output gradient
arrives, its per-sample weight gradient is formed from it and the layer's input, reduced and freed.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gradalign.engine._codes import ActivationCodes
from gradalign.engine._conditions import Conditions, new_reducer
from gradalign.engine._gradient import PerSampleGradient, Summed
from gradalign.engine._layers import (
    Call,
    call_macs,
    is_layer,
    layer_spectrum,
    output_saliency,
    tensor_macs,
)
from gradalign.engine._loss import check_finite
from gradalign.engine._observe import Observation
from gradalign.engine._record import first_tensor
from gradalign.engine._reduce import BlockStatistics
from gradalign.engine._result import PassResult
from gradalign.engine._weights import Weight, as_matrix
from gradalign.engine.rules import Rule, Use, rule_for
from gradalign.errors import UnsupportedError


class _Kept(NamedTuple):
    """A tensor of the forward pass, and how often it had been written to.

    Args:
        tensor: Detached, so that no cycle runs through the graph behind it.
        version: Its version.
    """

    tensor: Tensor
    version: int

    @classmethod
    def of(cls, tensor: Tensor) -> _Kept:
        """`tensor` as it is now."""
        return cls(tensor.detach(), tensor._version)

    @property
    def intact(self) -> bool:
        """Whether nothing has overwritten it."""
        return self.tensor._version == self.version


class HookPass:
    """One pass; made, run and thrown away.

    Args:
        conditions: What it works under.
        observation: Who else looks on at the forward pass.
    """

    def __init__(self, conditions: Conditions, observation: Observation | None = None) -> None:
        self._conditions = conditions
        self._observation = observation
        self._n = conditions.n
        self._modules = conditions.model.modules
        self._options: dict[str, tuple[object, ...]] = {}
        self._rules = self._find_rules(conditions.model.weights)
        self._codes = (
            ActivationCodes(self._n, conditions.code_products) if conditions.codes else None
        )
        self._mode = conditions.mode(self._n, on_relu=self._codes.on_relu if self._codes else None)
        self._calls: list[Call] = []
        self._uses: dict[int, int] = {}  # forward calls of each block
        self._pending: dict[int, list[PerSampleGradient]] = {}
        self._done: dict[int, BlockStatistics] = {}
        self._times: dict[int, int] = {}
        self._input_spectra: list[tuple[weakref.ref[Tensor], int, tuple[Tensor, int]]] = []
        self._anchor = torch.zeros((), requires_grad=True)
        self._met: list[tuple[str, str, Rule, torch.Size, torch.Size]] = []

    def _find_rules(self, weights: Sequence[Weight]) -> dict[str, list[tuple[str, Weight, Rule]]]:
        """For each module name the attributes to read, with their blocks and rules."""
        found: dict[str, list[tuple[str, Weight, Rule]]] = {}
        seen: set[tuple[int, str]] = set()
        for weight in weights:
            for name, attribute in weight.owners:
                module = self._modules[name]
                if (id(module), attribute) in seen:
                    continue  # one module under two names
                seen.add((id(module), attribute))
                rule = rule_for(module, attribute)
                if rule is None:
                    raise UnsupportedError(
                        f"no layer rule for {attribute!r} of {type(module).__name__} {name!r}"
                    )
                found.setdefault(name, []).append((attribute, weight, rule))
        return found

    def run(self) -> PassResult:
        """Forward, backward, and what came out."""
        weights = self._conditions.model.weights
        if self._observation is not None:
            self._observation.start()
        handles = []
        try:
            for name in self._rules:
                hook = partial(self._on_forward, name)
                handles.append(
                    self._modules[name].register_forward_hook(hook, prepend=True, with_kwargs=True)
                )
            losses = self._losses()
            check_finite(losses)
            if losses.requires_grad:
                losses.sum().backward()
            self._finish()
        finally:
            for handle in handles:
                handle.remove()
        return PassResult(
            blocks=[self._done.get(id(w.parameter)) for w in weights],
            calls=self._calls,
            block_macs=self._block_macs(),
            block_times=[self._times.get(id(w.parameter), -1) for w in weights],
            last_norm=self._mode.last_norm,
            codes=self._codes.result() if self._codes else None,
        )

    def _losses(self) -> Tensor:
        """The losses of the batch, [n]; whoever looks on has seen its forward pass then."""
        conditions, observation = self._conditions, self._observation
        if observation is None:
            with self._mode:
                return conditions.losses(conditions.batch)
        answers: list[Any] = []

        def model(*args: Any, **kwargs: Any) -> Any:
            answers.append(conditions.model.model(*args, **kwargs))
            return answers[0]

        with observation.watching(self._mode), self._mode:
            losses = conditions.losses(conditions.batch, model=model)
        observation.finish(answers[0])
        return losses

    def _on_forward(
        self, name: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any
    ) -> Any:
        """Keep the input, and wait for the gradient of the output."""
        given = first_tensor(args, kwargs)
        if given is None or not isinstance(out, Tensor):
            raise UnsupportedError(f"layer {name!r} takes or returns no tensor: no layer rule")
        x = given.detach()
        if x.shape[0] % self._n:
            raise UnsupportedError(
                f"layer {name!r} sees {x.shape[0]} rows for {self._n} samples: no layer rule"
            )
        call = Call(
            name, module, self._mode.tick(), call_macs(module, x, out, self._n), is_layer(module)
        )
        self._calls.append(call)
        if "input" in self._conditions.spectra and call.is_layer:
            call.input_spectrum = self._input_spectrum(given, module)
        for attribute, weight, rule in self._rules[name]:
            key = id(weight.parameter)
            self._uses[key] = self._uses.get(key, 0) + 1
            self._times.setdefault(key, call.time)
            self._met.append((name, attribute, rule, x.shape, out.shape))
        if not torch.is_grad_enabled():  # the model itself stops gradients here
            return out
        if not out.requires_grad:
            out = _Anchor.apply(out, self._anchor)  # type: ignore[no-untyped-call]
        kept = _Kept.of(out) if self._conditions.saliency and call.is_layer else None
        out.register_hook(partial(self._on_gradient, call, _Kept.of(x), kept))
        return out

    def _on_gradient(self, call: Call, given: _Kept, out: _Kept | None, grad: Tensor) -> None:
        """Form and reduce the per-sample gradients of one call."""
        x = given.tensor
        if not given.intact:
            raise UnsupportedError(
                f"the input of layer {call.name!r} is overwritten after its use: write the "
                "operation that follows without inplace=True"
            )
        call.reached = True
        grad = grad.detach()
        call.live = _is_live(grad)
        if "output" in self._conditions.spectra and call.is_layer:
            call.output_spectrum = layer_spectrum(grad, call.module)
        if out is not None:
            call.saliency = output_saliency(call, self._output(call, x, out), grad, self._n)
        for attribute, weight, rule in self._rules[call.name]:
            use = Use(call.module, attribute, x, grad, self._n, partial(self._normalised, call, x))
            try:
                gradient = rule.gradient(use)
            except ValueError as error:
                raise UnsupportedError(f"layer {call.name!r}: {error}") from error
            if gradient.shape != tuple(as_matrix(weight.parameter).shape):
                raise UnsupportedError(f"layer {call.name!r}: its rule gives another shape")
            key = id(weight.parameter)
            if self._uses[key] == 1:
                self._done[key] = new_reducer(self._conditions, weight).reduce(gradient)
            else:
                self._pending.setdefault(key, []).append(gradient)

    def _output(self, call: Call, x: Tensor, out: _Kept) -> Tensor:
        """The output of a layer, computed anew where an operation in place has overwritten it."""
        if out.intact:
            return out.tensor
        with torch.no_grad():
            again: Tensor = call.module.forward(x)
        return again

    def _finish(self) -> None:
        """Reduce the blocks that were used several times, their uses summed."""
        for weight in self._conditions.model.weights:
            uses = self._pending.pop(id(weight.parameter), None)
            if uses:
                gradient = uses[0] if len(uses) == 1 else Summed(uses)
                self._done[id(weight.parameter)] = new_reducer(self._conditions, weight).reduce(
                    gradient
                )

    def _normalised(self, call: Call, x: Tensor) -> Tensor:
        """Output of a normalisation layer without its affine part, in the probe's norm mode."""
        module: Any = call.module
        weight, bias = module._parameters.get("weight"), module._parameters.get("bias")
        module._parameters.update({k: None for k in ("weight", "bias") if k in module._parameters})
        try:
            with torch.no_grad(), self._conditions.mode(self._n):
                out: Tensor = type(module).forward(module, x)
                return out
        finally:
            module._parameters.update(
                {
                    name: value
                    for name, value in (("weight", weight), ("bias", bias))
                    if name in module._parameters
                }
            )

    def _input_spectrum(self, x: Tensor, module: nn.Module) -> tuple[Tensor, int]:
        """The spectrum of a layer's input; several layers that read one tensor share it."""
        for known, version, spectrum in self._input_spectra:
            if known() is x and version == x._version:
                return spectrum
        spectrum = layer_spectrum(x.detach(), module)
        # A weak reference: the graph behind x has hooks that hold this pass, and no collector sees
        # a cycle through it.
        self._input_spectra = [*self._input_spectra[-3:], (weakref.ref(x), x._version, spectrum)]
        return spectrum

    def _block_macs(self) -> list[int]:
        macs: dict[int, int] = {}
        for call in self._calls:
            for attribute, weight, _ in self._rules[call.name]:
                key = id(weight.parameter)
                own = tensor_macs(call.module, attribute, call.macs)
                macs[key] = macs.get(key, 0) + own
        return [macs.get(id(weight.parameter), 0) for weight in self._conditions.model.weights]

    def kinds(self) -> set[tuple[object, ...]]:
        """What has to be equal for a rule that was right once to be taken for right again."""
        found: set[tuple[object, ...]] = set()
        for name, attribute, rule, *shapes in self._met:
            path = name.split(".") if name else []
            chain = tuple(self._plain(".".join(path[:depth])) for depth in range(len(path) + 1))
            conditions = (self._conditions.probe.norm, self._codes is not None)
            found.add((attribute, id(rule), *shapes, *conditions, chain))
        return found

    def _plain(self, name: str) -> tuple[object, ...]:
        """Class and plain attributes of a module."""
        if name not in self._options:
            module = self._modules[name]
            values = sorted((k, v) for k, v in vars(module).items() if type(v) in _PLAIN)
            self._options[name] = (type(module), *values)
        return self._options[name]


FEW = 1 << 12
"""Entries of a gradient that are looked at first."""

_PLAIN = (bool, int, float, str)


def _is_live(grad: Tensor) -> bool:
    """Whether any entry is other than zero; mostly the first few tell."""
    flat = grad.flatten()
    return bool(flat[:FEW].any()) or bool(flat.any())


class _Anchor(torch.autograd.Function):
    """Makes an output that depends on no gradient yet a part of the graph, without a copy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, anchor: Tensor) -> Tensor:  # noqa: ARG004
        ctx.mark_dirty(x)  # so that an in-place operation may follow
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None]:  # noqa: ARG004
        return None, None
