"""The conservation check: a layer rule that lies is found out.

With signs s_i drawn at random, the gradient of sum_i s_i l_i is sum_i s_i g_i. The left side is one
ordinary backward pass; the right side is made of what the rules give. Signs that differ catch a rule
that mixes samples up, whose plain sum would be right. In `norm=batch`, where g_i is no derivative of
l_i, only s = 1 holds.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gradalign.batch import Batch
from gradalign.engine._capture import HookPass
from gradalign.engine._gradient import Workspace
from gradalign.engine._loss import LossFunction, sample_losses
from gradalign.engine._modes import PassMode
from gradalign.engine._prepare import Prepared
from gradalign.engine._reduce import Request
from gradalign.engine._weights import as_matrix
from gradalign.engine.naive import differentiable, gradient
from gradalign.errors import ConservationError
from gradalign.probe import Probe

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-3}
"""Relative to the larger of the two gradients; wrong rules are off by tenths."""

_verified: set[tuple[object, ...]] = set()


def is_verified(kinds: set[tuple[object, ...]]) -> bool:
    """Whether every layer of these kinds has passed the check in this process."""
    return kinds <= _verified


def check_conservation(
    model: Prepared,
    batch: Batch,
    probe: Probe,
    work: Workspace,
    loss_fn: LossFunction | None,
) -> None:
    """Compare rules and autograd on the model at hand.

    Raises:
        ConservationError: A block's gradients do not add up.
    """
    signs = _signs(batch, probe, model.weights[0].parameter)
    request = Request(signs=signs)
    hooks = HookPass(model, batch, probe, request, spectra=frozenset(), codes=False, work=work)
    result = hooks.run(loss_fn)
    ordinary = _ordinary_gradient(model, batch, probe, signs, loss_fn)
    for weight, block, expected in zip(model.weights, result.blocks, ordinary, strict=True):
        shape = as_matrix(weight.parameter).shape
        found = None if block is None else block.signed
        zero = weight.parameter.new_zeros(shape)
        left = zero if found is None else found
        right = zero if expected is None else expected.reshape(shape)
        floor = zero.new_zeros(()) if block is None else block.squared_norms.sum().sqrt().to(zero)
        scale = float(torch.stack([left.norm(), right.norm(), floor]).max())
        error = float((left - right).norm())
        if not error <= _tolerance(zero.dtype) * scale:
            share = error / scale if scale else float("nan")
            raise ConservationError(
                f"the layer rule for {weight.name!r} is wrong on this model: per-sample gradients "
                f"miss the ordinary gradient by {share:.1%}; use backend='vmap' or 'loop'"
            )
    _verified.update(hooks.kinds)


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


def _ordinary_gradient(
    model: Prepared,
    batch: Batch,
    probe: Probe,
    signs: Tensor,
    loss_fn: LossFunction | None,
) -> list[Tensor | None]:
    """Gradient of the signed sum of the losses, a block."""
    mode = PassMode(probe.norm, len(batch), model.names)
    with differentiable(model):
        with mode:
            losses = sample_losses(model.model, batch, probe, loss_fn)
        return gradient((losses * signs).sum(), [weight.parameter for weight in model.weights])
