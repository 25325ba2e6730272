"""Spectrum of the empirical Fisher matrix of one weight of every parameter tensor.

Only one entry of each per-sample gradient is read, so a backward pass for every output is all that
it takes where each tensor has a layer rule; else every sample and output has a backward of its own.
"""

from __future__ import annotations

import copy
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine import _check
from gradalign.engine._capture import HookPass
from gradalign.engine._conditions import Conditions
from gradalign.engine._gradient import PerSampleGradient
from gradalign.engine._layers import Call
from gradalign.engine._loss import call, output_matrix
from gradalign.engine._record import whole_batch_moments
from gradalign.engine._weights import find_weights
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.naive import differentiable, gradient
from gradalign.engine.rules import Use
from gradalign.errors import UndefinedScore, UnsupportedError

TENSORS = 128
"""Parameter tensors that are read, from the input on."""

MOST_BACKWARDS = 4096
"""What the way by single samples may take: for more the network is refused."""

SMOOTHING = torch.tensor(0.05, dtype=torch.float16)
"""Share of the uniform distribution in the probabilities; in the precision of the authors' code."""


def parameter_tensors(conditions: Conditions) -> Tensor:
    """Number of parameter tensors; an attention layer's projections are three."""
    return torch.tensor(float(len(list(conditions.model.model.parameters()))), dtype=torch.float64)


def fisher_spectrum(conditions: Conditions) -> Tensor:
    """Eigenvalues, [m], ascending, float64 on the CPU.

    With J_i the Jacobian of sample i's outputs by the m weights, [C, m], and L_i the Cholesky
    factor of the covariance diag(p) - p p' of its class probabilities p, smoothed by 5 % of the
    uniform distribution, the matrix is the mean over samples of (L_i J_i)' (L_i J_i), as the
    authors' code has it; the Fisher matrix itself would have L_i' in place of L_i.

    Raises:
        UnsupportedError: `norm=batch` or `batch_exact` where there is no layer rule for a tensor,
            or outputs that are no logits of at least two classes.
        UndefinedScore: Outputs or derivatives that are NaN or infinite.
    """
    jacobian, logits = _first_weight_jacobian(conditions)
    if not bool(torch.isfinite(jacobian).all() and torch.isfinite(logits).all()):
        raise UndefinedScore("an output or its derivative is NaN or infinite at initialization")
    factors = cholesky_of_covariance(logits) @ jacobian  # [n, C, m]
    rows = factors.flatten(0, 1)
    values: Tensor = torch.linalg.eigvalsh(rows.T @ rows / len(jacobian))
    return values.clamp_min(0)


def cholesky_of_covariance(logits: Tensor) -> Tensor:
    """Lower triangular L with L L' = diag(p) - p p', in closed form, [n, C, C].

    Args:
        logits: [n, C].
    """
    classes = logits.shape[1]
    kept, spread = float(1 - SMOOTHING), float(SMOOTHING / classes)
    p = logits.softmax(1) * kept + spread
    left = (1 - p.cumsum(1))[:, :-1]  # what is left after the first, second, ... class
    before = torch.cat([torch.ones_like(left[:, :1]), left], 1)
    diagonal = (p[:, :-1] * left / before[:, :-1]).sqrt()  # the last entry is 0
    below = -p[:, :, None] / left[:, None, :] * diagonal[:, None, :]  # [n, C, C - 1]
    lower = torch.cat([below.tril(-1), torch.zeros_like(p)[:, :, None]], 2)
    return lower + torch.diag_embed(torch.cat([diagonal, torch.zeros_like(p[:, :1])], 1))


def _first_weight_jacobian(conditions: Conditions) -> tuple[Tensor, Tensor]:
    """Derivatives of every output by the first entry of each tensor, [n, C, m], and outputs [n, C].

    Both in float64 on the CPU.
    """
    weights = find_weights(conditions.model.modules, lambda _: True, "all")[:TENSORS]
    ours = replace(
        conditions,
        model=replace(conditions.model, weights=weights),
        probe=conditions.probe.with_(objective="logit_sum"),
        spectra=frozenset(),
        codes=False,
        needs=frozenset(),
    )
    try:
        if conditions.probe.norm == "batch_exact":
            raise UnsupportedError("no layer rule holds in norm='batch_exact'")
        by_hooks = _FirstEntries(ours)
        found = by_hooks.jacobian()
        if not _check.is_verified(by_hooks.kinds()):
            _check.check_conservation(ours)
    except UnsupportedError as error:
        if conditions.probe.norm in ("batch", "batch_exact"):
            raise UnsupportedError(
                f"{error}; choose norm='batch_fixed', in which samples go one by one"
            ) from error
        found = _one_by_one(ours, str(error))
    return found[0].double().cpu(), found[1].double().cpu()


class _FirstEntries(HookPass):
    """A backward pass for each output that reads the first entry of every per-sample gradient."""

    def jacobian(self) -> tuple[Tensor, Tensor]:
        """[n, C, m] and the outputs, [n, C]."""
        weights = self._conditions.model.weights
        self._place = {id(weight.parameter): k for k, weight in enumerate(weights)}
        self._hats: dict[int, Tensor] = {}
        with ExitStack() as stack:
            for name in self._rules:
                hook = partial(self._on_forward, name)
                module = self._modules[name]
                handle = module.register_forward_hook(hook, prepend=True, with_kwargs=True)
                stack.callback(handle.remove)
            stack.enter_context(self._mode)
            outputs = _outputs(self._conditions)
        found = outputs.new_zeros(*outputs.shape, len(weights))
        for c in range(outputs.shape[1] if outputs.requires_grad else 0):
            self._column = found[:, c]
            outputs[:, c].sum().backward(retain_graph=True)
        return found, outputs.detach()

    def _on_gradient(self, call: Call, given: Any, _out: Any, grad: Tensor) -> None:
        """Add the first entries of one call."""
        if not given.intact:
            raise UnsupportedError(f"the input of layer {call.name!r} is overwritten after its use")
        for attribute, weight, rule in self._rules[call.name]:
            use = self._use(call, attribute, given.tensor, grad.detach())
            try:
                gradient = rule.gradient(use)
            except ValueError as error:
                raise UnsupportedError(f"layer {call.name!r}: {error}") from error
            first = _first_entry(gradient, self._conditions)
            self._column[:, self._place[id(weight.parameter)]] += first

    def _use(self, call: Call, attribute: str, x: Tensor, grad: Tensor) -> Use:
        """The call, with the first channel alone where it decides about the first entry."""
        alone = isinstance(call.module, _ONE_BY_ONE) and x.dim() == grad.dim() > 1
        normalised = partial(self._hat, call, x, first_channel=alone)
        if not alone:
            return Use(call.module, attribute, x, grad, self._n, normalised)
        one = _first_channel(call.module)
        return Use(one, attribute, x[:, :1], grad[:, :1], self._n, normalised)

    def _hat(self, call: Call, x: Tensor, *, first_channel: bool) -> Tensor:
        """The normalised input of a call, which every output's pass reads."""
        if id(call) not in self._hats:
            hat = self._normalised(call, x)
            self._hats[id(call)] = hat[:, :1].clone() if first_channel else hat
        return self._hats[id(call)]


_ONE_BY_ONE = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.modules.batchnorm._NormBase,
)
"""Layers whose first entry is between the first channels of their input and their output."""


def _first_channel(module: nn.Module) -> Any:
    """A layer like `module` for the first channel alone."""
    one: Any = copy.copy(module)
    one._parameters = {
        name: None
        if value is None
        else nn.Parameter(value[:1, :1] if value.dim() > 1 else value[:1])
        for name, value in module._parameters.items()
    }
    if isinstance(module, nn.modules.conv._ConvNd):
        one.in_channels = one.out_channels = one.groups = 1
    else:
        one.num_features = 1
    return one


def _first_entry(gradient: PerSampleGradient, conditions: Conditions) -> Tensor:
    """The entry in row 0 and column 0 for every sample, [n]."""
    top = gradient.select(0, gradient.row_step)
    for tile in top.tiles(conditions.work):
        rows, columns = tile.rows(), tile.columns()
        place = (columns[:, None, :] == 0) & (rows[None, :, None] == 0)  # [q, r, k]
        if bool(place.any()):
            return tile.values[:, place].sum(1)
    raise AssertionError("a gradient without its first entry")  # no tile leaves a weight out


def _one_by_one(conditions: Conditions, why: str = "") -> tuple[Tensor, Tensor]:
    """The same by one backward for each sample and output.

    Args:
        conditions: With the tensors as blocks.
        why: What stood in the way of the faster one.
    """
    parameters = conditions.parameters
    rows, outputs = [], []
    with differentiable(conditions.model):
        moments = whole_batch_moments(conditions)
        for sample in conditions.batch.split():
            with conditions.mode(1, fixed_moments=moments):
                output = _outputs(replace(conditions, batch=sample))[0]
            if len(output) * conditions.n > MOST_BACKWARDS:
                raise UnsupportedError(
                    f"{why}, and sample by sample it would take {len(output) * conditions.n} "
                    f"backward passes, more than {MOST_BACKWARDS}: give fewer samples or classes"
                )
            found = [gradient(each, parameters, keep=True) for each in output]
            rows.append([[0.0 if g is None else float(g.flatten()[0]) for g in r] for r in found])
            outputs.append(output.detach())
    return torch.tensor(rows, dtype=torch.float64), torch.stack(outputs)


def _outputs(conditions: Conditions) -> Tensor:
    """The logits, [n, C].

    Raises:
        UnsupportedError: Outputs that are no logits of one set of classes.
    """
    answer = call(conditions.model.model, conditions.batch.inputs)
    logits = output_matrix(answer, conditions.n)
    shape = getattr(answer, "logits", answer).shape
    if len(shape) != 2 or shape[1] < 2:
        raise UnsupportedError(
            f"the outputs have shape {tuple(shape)}: class probabilities need [n, classes], two "
            "classes or more"
        )
    return logits


COLLECTORS.add(
    "fisher_spectrum",
    Collector(
        cost="one forward and a backward for each output; for each sample and output where a "
        "tensor has no layer rule",
        collect=fisher_spectrum,
    ),
)
COLLECTORS.add("parameter_tensors", Collector(cost="", collect=parameter_tensors))
