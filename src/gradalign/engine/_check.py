"""The conservation check: a layer rule that lies is found out.

With signs s_i drawn at random, the gradient of sum_i s_i l_i is sum_i s_i g_i. The left side is
one ordinary backward pass; the right side is made of what the rules give. Signs that differ catch a
rule that mixes samples up, whose plain sum would be right. In `norm=batch`, where g_i is no
derivative of l_i, only s = 1 holds; there the signs are tried in another mode as well, since it is
the layers that a rule gets right or wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gradalign.batch import Batch
from gradalign.engine._capture import HookPass
from gradalign.engine._conditions import Conditions
from gradalign.engine._reduce import Request
from gradalign.engine._result import PassResult
from gradalign.engine._weights import Weight, as_matrix
from gradalign.engine.naive import differentiable, gradient
from gradalign.errors import ConservationError
from gradalign.probe import Probe

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-3}
"""Relative to the larger of the two gradients; wrong rules are off by tenths."""

_verified: set[tuple[object, ...]] = set()


def is_verified(kinds: set[tuple[object, ...]]) -> bool:
    """Whether every layer of these kinds has passed the check in this process."""
    return kinds <= _verified


def check_conservation(conditions: Conditions) -> None:
    """Compare rules and autograd on the model at hand; codes too, under a change of order.

    Raises:
        ConservationError: A block's gradients do not add up, or samples are mixed up.
    """
    kinds: set[tuple[object, ...]] = set()
    for probe in _checkable(conditions.probe, conditions.n):
        signs = _signs(conditions.batch, probe, conditions.parameters[0])
        checked = replace(
            conditions,
            probe=probe,
            request=Request(signs=signs),
            spectra=frozenset(),
            needs=frozenset(),
        )
        hooks = HookPass(checked)
        result = hooks.run()
        _compare(checked.model.weights, result, _ordinary_gradient(checked, signs))
        if checked.codes:
            _check_order(checked, result)
        kinds |= hooks.kinds()
    _verified.update(kinds)


def _checkable(probe: Probe, n: int) -> list[Probe]:
    """The probe, and for `norm=batch` another mode, in which signs can differ."""
    if probe.norm == "batch" and n > 1:
        return [probe, probe.with_(norm="batch_fixed")]
    return [probe]


def _compare(
    weights: Sequence[Weight], result: PassResult, ordinary: Sequence[Tensor | None]
) -> None:
    """Every block's signed sum against the ordinary gradient."""
    squares = [float(block.squared_norms.sum()) for block in result.blocks if block is not None]
    whole = sum(squares) ** 0.5
    for weight, block, expected in zip(weights, result.blocks, ordinary, strict=True):
        zero = torch.zeros_like(as_matrix(weight.parameter))
        found = zero if block is None or block.signed is None else block.signed
        right = zero if expected is None else expected.reshape(zero.shape)
        own = 0.0 if block is None else float(block.squared_norms.sum()) ** 0.5
        scale = max(float(found.norm()), float(right.norm()), own)
        error = float((found - right).norm())
        rounding = 64 * torch.finfo(zero.dtype).eps * whole
        if not error <= max(_tolerance(zero.dtype) * scale, rounding):
            share = error / scale if scale else float("nan")
            raise ConservationError(
                f"the layer rule for {weight.name!r} is wrong on this model: per-sample gradients "
                f"miss the ordinary gradient by {share:.1%}; use backend='vmap' or 'loop'"
            )


def _check_order(conditions: Conditions, result: PassResult) -> None:
    """Activation codes of the samples in another order must be the same in that order."""
    n = conditions.n
    order = torch.randperm(n, generator=torch.Generator().manual_seed(n))
    reordered = replace(conditions, batch=conditions.batch[order], request=Request())
    again = HookPass(reordered).run()
    if result.codes is None or again.codes is None:
        return
    expected = result.codes[0][order][:, order]
    if float((again.codes[0] - expected).abs().mean()) > 1e-3 * result.codes[1]:
        raise ConservationError(
            "the activation codes of this model depend on the order of the samples: a ReLU has "
            "them on another axis than the first; use backend='vmap' or 'loop'"
        )


def _tolerance(dtype: torch.dtype) -> float:
    return TOLERANCE.get(dtype, 5e-2)


def _signs(batch: Batch, probe: Probe, like: Tensor) -> Tensor:
    """Random signs [n], the same in every process; ones where only these hold."""
    n = len(batch)
    if probe.norm == "batch":
        return like.new_ones(n)
    generator = torch.Generator().manual_seed(n)
    signs = torch.randint(0, 2, (n,), generator=generator) * 2 - 1
    if n > 1 and bool((signs == signs[0]).all()):
        signs[0] = -signs[0]
    return signs.to(like)


def _ordinary_gradient(conditions: Conditions, signs: Tensor) -> list[Tensor | None]:
    """Gradient of the signed sum of the losses, a block."""
    with differentiable(conditions.model):
        with conditions.mode(conditions.n):
            losses = conditions.losses(conditions.batch)
        return gradient((losses * signs).sum(), conditions.parameters)
