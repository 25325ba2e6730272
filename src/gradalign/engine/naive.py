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
from gradalign.engine._gradient import Dense, Workspace, samples_first
from gradalign.engine._layers import Call, layer_spectrum
from gradalign.engine._loss import LossFunction, sample_losses
from gradalign.engine._modes import Moments, PassMode
from gradalign.engine._prepare import Prepared
from gradalign.engine._record import Recorder, in_groups, whole_batch_moments
from gradalign.engine._reduce import BlockReducer, BlockStatistics, Request
from gradalign.engine._result import PassResult
from gradalign.engine._weights import Weight, as_matrix, filter_matrix
from gradalign.errors import UnsupportedError
from gradalign.probe import Probe


@dataclass
class Samples:
    """What passes over single samples leave.

    Args:
        gradients: For each block of a group [n, *shape]; None where no gradient arrives.
        inputs: For each call the inputs of a weight layer, one entry a sample.
        output_gradients: For each call the gradients at its output, one entry a sample.
        codes: For each ReLU call the codes, one entry a sample.
        calls: The calls of one sample.
        times: When each block was first used, by the `id` of its parameter.
        macs: Multiply-adds of one sample through each block, likewise.
        last_norm: When the last normalisation was called.
        reached_codes: Whether the backward pass reaches each ReLU call of one sample.
    """

    gradients: list[Tensor | None] = field(default_factory=list)
    inputs: list[list[Tensor]] = field(default_factory=list)
    output_gradients: list[list[Tensor]] = field(default_factory=list)
    codes: list[list[Tensor]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    times: dict[int, int] = field(default_factory=dict)
    macs: dict[int, int] = field(default_factory=dict)
    last_norm: int = -1
    reached_codes: list[bool] = field(default_factory=list)


def run(
    model: Prepared,
    batch: Batch,
    probe: Probe,
    request: Request,
    *,
    spectra: frozenset[str],
    codes: bool,
    work: Workspace,
    loss_fn: LossFunction | None,
) -> PassResult:
    """One pass over every sample, for as many blocks at a time as the byte budget allows.

    Raises:
        UnsupportedError: `norm=batch`, in which a sample's gradient is no derivative of a loss.
    """
    if probe.norm == "batch":
        raise UnsupportedError("the loop backend cannot express norm='batch'; use backend='hooks'")
    blocks: list[BlockStatistics | None] = []
    first: Samples | None = None
    with differentiable(model):
        moments = whole_batch_moments(model, batch, probe, loss_fn)
        for group in in_groups(model.weights, len(batch), work.byte_budget):
            if probe.norm == "batch_exact":
                samples = _through_the_batch(model, batch, probe, group, loss_fn)
            else:
                samples = one_by_one(model, batch, probe, group, moments, loss_fn)
            first = first or samples
            for weight, gradient in zip(group, samples.gradients, strict=True):
                blocks.append(reduce_dense(model, weight, gradient, request, work))
    return finish(model, first or Samples(), blocks, spectra=spectra, codes=codes)


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
    model: Prepared,
    batch: Batch,
    probe: Probe,
    group: Sequence[Weight],
    moments: list[Moments] | None,
    loss_fn: LossFunction | None,
) -> Samples:
    """Forward and backward of every sample by itself."""
    parameters = [weight.parameter for weight in group]
    samples = Samples()
    rows: list[list[Tensor | None]] = []
    for i in range(len(batch)):
        mode = PassMode(probe.norm, 1, model.names, fixed_moments=moments)
        recorder = Recorder(model.weights, mode, 1)
        mode.on_relu = recorder.on_relu
        with recorder.attached(model.model), mode:
            loss = sample_losses(model.model, batch[i : i + 1], probe, loss_fn).sum()
        outputs = [out for out in recorder.outputs if out is not None]
        gradients = gradient(loss, [*parameters, *outputs])
        rows.append(gradients[: len(parameters)])
        _add_sample(samples, recorder, gradients[len(parameters) :])
    columns = zip(*rows, strict=True)
    samples.gradients = [_stacked(c, p) for c, p in zip(columns, parameters, strict=True)]
    return samples


def _through_the_batch(
    model: Prepared,
    batch: Batch,
    probe: Probe,
    group: Sequence[Weight],
    loss_fn: LossFunction | None,
) -> Samples:
    """One forward of the whole batch in train mode, one backward a sample."""
    n = len(batch)
    parameters = [weight.parameter for weight in group]
    mode = PassMode("batch", n, model.names)
    recorder = Recorder(model.weights, mode, n)
    mode.on_relu = recorder.on_relu
    with recorder.attached(model.model), mode:
        losses = sample_losses(model.model, batch, probe, loss_fn)
    outputs = [out for out in recorder.outputs if out is not None]
    total = gradient(losses.sum(), outputs, keep=True)
    rows = [gradient(losses[i], parameters, keep=True) for i in range(n)]
    samples = Samples()
    _add_sample(samples, recorder, total)
    samples.codes = [list(samples_first(code[0], n).unsqueeze(1)) for (code,) in samples.codes]
    columns = zip(*rows, strict=True)
    samples.gradients = [_stacked(c, p) for c, p in zip(columns, parameters, strict=True)]
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


def _add_sample(samples: Samples, recorder: Recorder, arriving: Sequence[Tensor | None]) -> None:
    """Append what one forward and backward left."""
    if not samples.calls:
        samples.calls = recorder.calls
        samples.times, samples.macs = recorder.times, recorder.macs
        samples.last_norm = recorder.mode.last_norm
        samples.inputs = [[] for _ in recorder.calls]
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
    for k, index in enumerate(sorted(recorder.reached_codes)):
        samples.codes[k].append(recorder.codes[index])


def _stacked(column: Sequence[Tensor | None], parameter: Tensor) -> Tensor | None:
    """[n, *shape]; zeros where one sample has no path, None where none has."""
    if all(entry is None for entry in column):
        return None
    return torch.stack([torch.zeros_like(parameter) if g is None else g for g in column])


def reduce_dense(
    model: Prepared, weight: Weight, gradients: Tensor | None, request: Request, work: Workspace
) -> BlockStatistics | None:
    """Statistics of per-sample gradients that lie in memory, [n, *shape]."""
    if gradients is None:
        return None
    matrix = gradients.reshape(len(gradients), *as_matrix(weight.parameter).shape)
    reducer = BlockReducer(request, weight.parameter, filter_matrix(model.model, weight), work)
    return reducer.reduce(Dense(matrix))


def finish(
    model: Prepared,
    samples: Samples,
    blocks: list[BlockStatistics | None],
    *,
    spectra: frozenset[str],
    codes: bool,
) -> PassResult:
    """Spectra and codes from the recorded tensors, and the whole result."""
    for k, call in enumerate(samples.calls):
        if not call.reached:
            continue
        arriving = torch.cat(samples.output_gradients[k])
        call.live = bool((arriving != 0).any())
        if "input" in spectra:
            call.input_spectrum = layer_spectrum(torch.cat(samples.inputs[k]), call.module)
        if "output" in spectra:
            call.output_spectrum = layer_spectrum(arriving, call.module)
    keys = [id(weight.parameter) for weight in model.weights]
    return PassResult(
        blocks=blocks,
        calls=samples.calls,
        block_macs=[samples.macs.get(key, 0) for key in keys],
        block_times=[samples.times.get(key, -1) for key in keys],
        last_norm=samples.last_norm,
        codes=_matches(samples.codes) if codes else None,
    )


def _matches(codes: Sequence[Sequence[Tensor]]) -> tuple[Tensor, int]:
    """Matches [n, n] and units from the codes of each ReLU call, one [1, units] a sample."""
    if not codes:
        return torch.zeros(0, 0, dtype=torch.float64), 0
    on = torch.cat([torch.cat(list(call)) for call in codes], 1).double()  # [n, units]
    return on @ on.T + (1 - on) @ (1 - on).T, on.shape[1]
