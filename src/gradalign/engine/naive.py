"""The reference backend: one autograd call a sample. Slow, and obvious.

Any module that autograd can differentiate works here. It is what the other backends are held to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gradalign.batch import Batch
from gradalign.engine._conditions import Conditions, new_reducer
from gradalign.engine._gradient import Dense, samples_first
from gradalign.engine._layers import Call, layer_spectrum, output_saliency
from gradalign.engine._modes import Moments, PassMode
from gradalign.engine._prepare import Prepared
from gradalign.engine._record import Recorder, in_groups, whole_batch_moments
from gradalign.engine._reduce import BlockStatistics
from gradalign.engine._result import PassResult
from gradalign.engine._weights import Weight, as_matrix
from gradalign.errors import UnsupportedError


@dataclass
class Samples:
    """What passes over single samples leave.

    Args:
        gradients: For each block of a group [n, *shape]; None where no gradient arrives.
        inputs: For each call the inputs of a weight layer, one entry a sample.
        outputs: For each call the outputs that a gradient arrives at, one entry a sample; kept only
            where saliency is wanted.
        output_gradients: For each call the gradients at its output, one entry a sample.
        codes: For each ReLU call the codes, one entry a sample.
        calls: The calls of one sample.
        times: When each block was first used, by the `id` of its parameter.
        macs: Multiply-adds of one sample through each block, likewise.
        last_norm: When the last normalisation was called.
        reached_codes: Whether the backward pass reaches each ReLU call of one sample.
        entry: How many samples one entry holds: all of them where the whole batch ran at once.
    """

    gradients: list[Tensor | None] = field(default_factory=list)
    inputs: list[list[Tensor]] = field(default_factory=list)
    outputs: list[list[Tensor]] = field(default_factory=list)
    output_gradients: list[list[Tensor]] = field(default_factory=list)
    codes: list[list[Tensor]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    times: dict[int, int] = field(default_factory=dict)
    macs: dict[int, int] = field(default_factory=dict)
    last_norm: int = -1
    reached_codes: list[bool] = field(default_factory=list)
    entry: int = 1


def run(conditions: Conditions) -> PassResult:
    """One pass over every sample, for as many blocks at a time as the byte budget allows.

    Raises:
        UnsupportedError: `norm=batch`, in which a sample's gradient is no derivative of a loss.
    """
    norm = conditions.probe.norm
    if norm == "batch":
        raise UnsupportedError("the loop backend cannot express norm='batch'; use backend='hooks'")
    blocks: list[BlockStatistics | None] = []
    first: Samples | None = None
    with differentiable(conditions.model):
        moments = whole_batch_moments(conditions)
        for group in in_groups(conditions):
            if norm == "batch_exact":
                samples = _through_the_batch(conditions, group)
            else:
                samples = one_by_one(conditions, conditions.batch, group, moments)
            first = first or samples
            for weight, gradient in zip(group, samples.gradients, strict=True):
                blocks.append(reduce_dense(conditions, weight, gradient))
    return finish(conditions, first or Samples(), blocks)


@contextmanager
def differentiable(model: Prepared) -> Iterator[None]:
    """Context in which autograd sees the blocks."""
    for weight in model.weights:
        weight.parameter.requires_grad_(True)
    try:
        yield
    finally:
        for weight in model.weights:
            weight.parameter.requires_grad_(False)


def one_by_one(
    conditions: Conditions,
    batch: Batch,
    group: Sequence[Weight],
    moments: list[Moments] | None,
) -> Samples:
    """Forward and backward of every sample of `batch` by itself."""
    parameters = [weight.parameter for weight in group]
    samples = Samples()
    rows: list[list[Tensor | None]] = []
    for sample in batch.split():
        mode = conditions.mode(1, fixed_moments=moments)
        recorder = Recorder(conditions.model, mode, 1)
        with recorder.attached(), mode:
            loss = conditions.losses(sample).sum()
        outputs = [out for out in recorder.outputs if out is not None]
        gradients = gradient(loss, [*parameters, *outputs])
        rows.append(gradients[: len(parameters)])
        _add_sample(conditions, samples, recorder, gradients[len(parameters) :])
    samples.gradients = _by_block(rows, parameters)
    return samples


def _through_the_batch(conditions: Conditions, group: Sequence[Weight]) -> Samples:
    """One forward of the whole batch in train mode, one backward a sample."""
    n = conditions.n
    parameters = [weight.parameter for weight in group]
    mode = PassMode("batch", n, conditions.model.names)
    recorder = Recorder(conditions.model, mode, n)
    with recorder.attached(), mode:
        losses = conditions.losses(conditions.batch)
    outputs = [out for out in recorder.outputs if out is not None]
    total = gradient(losses.sum(), outputs, keep=True)
    rows = [gradient(losses[i], parameters, keep=True) for i in range(n)]
    samples = Samples(entry=n)
    _add_sample(conditions, samples, recorder, total)
    samples.codes = [list(samples_first(code[0], n).unsqueeze(1)) for (code,) in samples.codes]
    samples.gradients = _by_block(rows, parameters)
    return samples


def gradient(
    output: Tensor, inputs: Sequence[Tensor], *, keep: bool = False
) -> list[Tensor | None]:
    """Derivatives of a scalar; None where there is no path."""
    known = [x for x in inputs if x.requires_grad]
    if not output.requires_grad or not known:
        return [None] * len(inputs)
    found = iter(torch.autograd.grad(output, known, allow_unused=True, retain_graph=keep))
    return [next(found) if x.requires_grad else None for x in inputs]


def _add_sample(
    conditions: Conditions,
    samples: Samples,
    recorder: Recorder,
    arriving: Sequence[Tensor | None],
) -> None:
    """Append what one forward and backward left."""
    if not samples.calls:
        samples.calls = recorder.calls
        samples.times, samples.macs = recorder.times, recorder.macs
        samples.last_norm = recorder.mode.last_norm
        samples.inputs = [[] for _ in recorder.calls]
        samples.outputs = [[] for _ in recorder.calls]
        samples.output_gradients = [[] for _ in recorder.calls]
        samples.reached_codes = [k in recorder.reached_codes for k in range(len(recorder.codes))]
        samples.codes = [[] for _ in recorder.reached_codes]
    gradients = iter(arriving)
    for k, x in enumerate(recorder.inputs):
        if x is None:
            continue
        samples.inputs[k].append(x)
        arrived = next(gradients)
        if arrived is not None:
            samples.calls[k].reached = True
            samples.output_gradients[k].append(arrived)
            out = recorder.outputs[k]
            if conditions.saliency and out is not None:
                samples.outputs[k].append(out.detach())
    for k, index in enumerate(sorted(recorder.reached_codes)):
        samples.codes[k].append(recorder.codes[index])


def _by_block(
    rows: Sequence[Sequence[Tensor | None]], parameters: Sequence[Tensor]
) -> list[Tensor | None]:
    """Gradients sample by sample to one [n, *shape] for each parameter.

    Zeros where one sample has no path, None where none has.
    """
    return [
        None
        if all(entry is None for entry in column)
        else torch.stack([torch.zeros_like(parameter) if g is None else g for g in column])
        for column, parameter in zip(zip(*rows, strict=True), parameters, strict=True)
    ]


def reduce_dense(
    conditions: Conditions, weight: Weight, gradients: Tensor | None
) -> BlockStatistics | None:
    """Statistics of per-sample gradients that lie in memory, [n, *shape]."""
    if gradients is None:
        return None
    matrix = gradients.reshape(len(gradients), *as_matrix(weight.parameter).shape)
    return new_reducer(conditions, weight).reduce(Dense(matrix))


def finish(
    conditions: Conditions, samples: Samples, blocks: list[BlockStatistics | None]
) -> PassResult:
    """Spectra and codes from the recorded tensors, and the whole result."""
    for k, call in enumerate(samples.calls):
        if not call.reached:
            continue
        arriving = torch.cat(samples.output_gradients[k])
        call.live = bool((arriving != 0).any())
        if "input" in conditions.spectra:
            call.input_spectrum = layer_spectrum(torch.cat(samples.inputs[k]), call.module)
        if "output" in conditions.spectra:
            call.output_spectrum = layer_spectrum(arriving, call.module)
        if conditions.saliency:
            count = samples.entry * len(samples.output_gradients[k])
            call.saliency = output_saliency(call, torch.cat(samples.outputs[k]), arriving, count)
    keys = [id(parameter) for parameter in conditions.parameters]
    return PassResult(
        blocks=blocks,
        calls=samples.calls,
        block_macs=[samples.macs.get(key, 0) for key in keys],
        block_times=[samples.times.get(key, -1) for key in keys],
        last_norm=samples.last_norm,
        codes=_matches(samples.codes) if conditions.codes else None,
    )


def _matches(codes: Sequence[Sequence[Tensor]]) -> tuple[Tensor, int]:
    """Matches [n, n] and units from the codes of each ReLU call, one [1, units] a sample."""
    if not codes:
        return torch.zeros(0, 0, dtype=torch.float64), 0
    on = torch.cat([torch.cat(list(call)) for call in codes], 1).double()  # [n, units]
    return on @ on.T + (1 - on) @ (1 - on).T, on.shape[1]
