"""The torch.func backend: per-sample gradients of any module by vmap, without layer rules."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from gradalign.batch import Batch
from gradalign.engine import naive
from gradalign.engine._conditions import Conditions
from gradalign.engine._modes import Moments
from gradalign.engine._norm import per_sample_vmapped
from gradalign.engine._record import Recorder, in_groups, whole_batch_moments
from gradalign.engine._reduce import BlockStatistics
from gradalign.engine._result import PassResult
from gradalign.engine._weights import Weight
from gradalign.errors import UnsupportedError

SAMPLES_A_CHUNK = 16
"""Samples that vmap takes at once: larger chunks are no faster on a CPU and take more memory."""


def run(conditions: Conditions) -> PassResult:
    """One pass of vmap(grad), for as many blocks at a time as the byte budget allows.

    Raises:
        UnsupportedError: `norm=batch` and `batch_exact`, in which samples interact; or a module
            that torch.func cannot transform.
    """
    model, norm = conditions.model, conditions.probe.norm
    if norm in ("batch", "batch_exact"):
        raise UnsupportedError(
            f"the vmap backend cannot express norm={norm!r}: its samples do not interact"
        )
    moments = whole_batch_moments(conditions)
    with naive.differentiable(model):
        # What a single sample's pass reaches, and in which order; vmap cannot tell None from zero.
        outline = naive.one_by_one(conditions, conditions.batch[0:1], model.weights, moments)
    reached = {
        id(weight.parameter)
        for weight, gradient in zip(model.weights, outline.gradients, strict=True)
        if gradient is not None
    }
    blocks: list[BlockStatistics | None] = []
    recorded: tuple[Any, ...] | None = None
    for group in in_groups(conditions):
        vmapped = _Vmapped(conditions, group, moments, outline)
        try:
            with warnings.catch_warnings():  # where vmap falls back to a loop
                warnings.filterwarnings("ignore", message="There is a performance drop")
                gradients, arriving, inputs, outputs, active = vmapped()
        except UnsupportedError:
            raise
        except (RuntimeError, NotImplementedError) as error:
            reason = str(error).split("\n", 1)[0]
            raise UnsupportedError(f"torch.func cannot transform this model: {reason}") from error
        recorded = recorded or (arriving, inputs, outputs, active)
        for weight in group:
            gradient = gradients[weight.name] if id(weight.parameter) in reached else None
            blocks.append(naive.reduce_dense(conditions, weight, gradient))
    if recorded is not None:
        _fill(outline, *recorded)
    return naive.finish(conditions, outline, blocks)


class _Vmapped:
    """vmap(grad) of one sample's loss by a group of blocks and by additions to layer outputs."""

    def __init__(
        self,
        conditions: Conditions,
        group: Sequence[Weight],
        moments: list[Moments] | None,
        outline: naive.Samples,
    ) -> None:
        self._conditions = conditions
        self._moments = moments
        self._parameters = {weight.name: weight.parameter.detach() for weight in group}
        self._additions = [
            torch.zeros_like(gradients[0]) if gradients else None
            for gradients in outline.output_gradients
        ]

    def __call__(self) -> tuple[dict[str, Tensor], list[Any], list[Any], list[Any], list[Any]]:
        """Gradients by block, gradients at outputs, inputs, outputs and codes, all [n, ...]."""
        batch = self._conditions.batch
        tensors: list[Tensor] = []
        batch.map(lambda t: tensors.append(t) or t)  # type: ignore[func-returns-value]

        def loss(
            parameters: dict[str, Tensor], additions: list[Tensor | None], *values: Tensor
        ) -> tuple[Tensor, tuple[list[Any], list[Any], list[Any]]]:
            left = iter(values)
            sample = batch.map(lambda _: next(left).unsqueeze(0))
            return self._one(parameters, additions, sample)

        transformed = vmap(
            grad(loss, argnums=(0, 1), has_aux=True),
            in_dims=(None, None, *[0] * len(tensors)),
            randomness="different",
            chunk_size=min(SAMPLES_A_CHUNK, len(batch)),
        )
        additions: Any = [a if a is not None else torch.zeros(()) for a in self._additions]
        (gradients, arriving), recorded = transformed(self._parameters, additions, *tensors)
        return gradients, arriving, *recorded

    def _one(
        self, parameters: dict[str, Tensor], additions: Sequence[Any], sample: Batch
    ) -> tuple[Tensor, tuple[list[Any], list[Any], list[Any]]]:
        mode = self._conditions.mode(1, fixed_moments=self._moments, per_sample=per_sample_vmapped)

        def tap(k: int, out: Tensor) -> Tensor:
            return out + additions[k] if self._additions[k] is not None else out.clone()

        recorder = Recorder(self._conditions.model, mode, 1, tap)

        def model(*args: Any, **kwargs: Any) -> Any:
            return functional_call(self._conditions.model.model, parameters, args, kwargs)

        with recorder.attached(), mode:
            loss = self._conditions.losses(sample, model=model, validate=False).sum()
        inputs = [x if x is not None else torch.zeros(()) for x in recorder.inputs]
        wanted = recorder.outputs if self._conditions.saliency else [None] * len(inputs)
        outputs = [out.detach() if out is not None else torch.zeros(()) for out in wanted]
        return loss, (inputs, outputs, recorder.codes)


def _fill(
    outline: naive.Samples,
    arriving: list[Tensor],
    inputs: list[Tensor],
    outputs: list[Tensor],
    codes: list[Tensor],
) -> None:
    """Put what vmap recorded, [n, 1, ...], in place of the outline's single sample."""
    for k, call in enumerate(outline.calls):
        if call.reached:
            outline.output_gradients[k] = list(arriving[k])
            outline.inputs[k] = list(inputs[k])
            outline.outputs[k] = list(outputs[k])
    counted = [code for code, reached in zip(codes, outline.reached_codes, strict=True) if reached]
    outline.codes = [list(code) for code in counted]
