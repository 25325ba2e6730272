"""`collect`: from a model, a batch, a probe and what is wanted to `Statistics`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import get_args

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointError

from gradalign.batch import Batch, Inputs, as_batch
from gradalign.engine._backends import Backend, Check, run
from gradalign.engine._conditions import Conditions
from gradalign.engine._gradient import Workspace
from gradalign.engine._layers import Call, saliency_by_block
from gradalign.engine._loss import LossFunction
from gradalign.engine._macs import count_macs
from gradalign.engine._prepare import prepared, unwrap
from gradalign.engine._reduce import BlockStatistics, Request
from gradalign.engine._result import PassResult
from gradalign.engine._weights import Selection
from gradalign.engine.collectors import COLLECTORS, observation
from gradalign.errors import InputError, UnsupportedError
from gradalign.probe import Probe
from gradalign.statistics import FIELDS, Block, Layer, Need, Statistics, WeightStatistic

BYTE_BUDGET = 1 << 28
"""What the buffers of one layer may take, or the per-sample gradients of one group of blocks."""


def collect(
    model: nn.Module,
    batch: Batch | tuple[Inputs, Inputs],
    probe: Probe,
    needs: Iterable[Need],
    *,
    loss_fn: LossFunction | None = None,
    params: str | Selection | None = None,
    backend: Backend = "auto",
    check: Check = "auto",
    byte_budget: int = BYTE_BUDGET,
    lenient: bool = False,
) -> Statistics:
    """Measure what `needs` name, in one forward and one backward where that is possible.

    Args:
        model: Any module; afterwards it is exactly as before, also after an exception.
        batch: The samples, on the model's device: a `Batch`, or (inputs, targets).
        probe: The conditions: norm mode, objective, weights, dtype, selection of blocks.
        needs: Names of `gradalign.statistics.FIELDS`, and weight statistics.
        loss_fn: (output, targets) to one loss a sample; None: cross-entropy for integer targets,
            summed squared error for float ones.
        params: Which weights are blocks; None: as the probe says.
        backend: `auto` takes hooks where every trainable weight has a rule that passes the
            conservation check, else vmap, else loop.
        check: When to run the conservation check: `auto` the first time a kind of layer is met.
        byte_budget: Bytes that buffers may take beyond activations.
        lenient: Whether what cannot be collected leaves the rest standing: its error is raised when
            the statistic is read. An `InputError` is raised at once in any case.

    Returns:
        The statistics; `backend` says what measured them, and why if it was not the first choice.

    Raises:
        InputError: A batch or loss that does not fit the model.
        UnsupportedError: What cannot be measured exactly, with the way out.
        ConservationError: A rule that is wrong on this model, where `backend="hooks"`.
    """
    needs, batch = tuple(needs), as_batch(batch)
    _known(needs, backend)
    model = unwrap(model)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    start = time.perf_counter()
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with prepared(model, probe, params or probe.params) as ready:
        conditions = Conditions(
            ready,
            batch.to(device, ready.weights[0].parameter.dtype),
            probe,
            loss_fn,
            Workspace(byte_budget),
            request=Request.of(needs),
            spectra=frozenset(s for s in ("input", "output") if f"{s}_spectra" in needs),
            codes="activation_matches" in needs or "activation_units" in needs,
            needs=frozenset(need for need in needs if isinstance(need, str)),
        )
        values: dict[str, object] = {"params": trainable} if "params" in needs else {}
        failures: dict[str, Exception] = {}
        result, used = None, "none"
        if wants_pass(needs):
            with _kept(failures, OF_THE_PASS, lenient=lenient):
                result, used = run(conditions, backend, check, observation(conditions))
                values |= _values(conditions, result, needs)
        for name in (name for name in _OUTSIDE if name in needs):
            with _kept(failures, [name], lenient=lenient):
                values[name] = _OUTSIDE[name](conditions)
        blocks = _blocks(conditions, result)
    return Statistics(
        n=len(batch),
        blocks=blocks,
        values=values,
        failures=failures,
        has_gradient=result.has_gradient if result else True,
        backend=used,
        seconds=time.perf_counter() - start,
        peak_bytes=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    )


def _known(needs: Sequence[Need], backend: str) -> None:
    """An error for a statistic or backend that does not exist."""
    for name in (need for need in needs if isinstance(need, str)):
        if name not in FIELDS:
            raise InputError(f"unknown statistic {name!r}: there are {', '.join(FIELDS)}")
    if backend not in get_args(Backend):
        raise InputError(f"unknown backend {backend!r}: choose from {', '.join(get_args(Backend))}")


def wants_pass(needs: Iterable[Need]) -> bool:
    """Whether anything is wanted that only a pass over the samples gives."""
    return any(isinstance(need, WeightStatistic) or need in OF_THE_PASS for need in needs)


@contextmanager
def _kept(failures: dict[str, Exception], names: Iterable[str], *, lenient: bool) -> Iterator[None]:
    """Context whose errors are kept under `names`, where that is wanted, in place of raised."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the other statistics stand
        told = _told(error)
        if isinstance(told, InputError) or not lenient:
            raise told from (error.__cause__ if told is error else error)
        failures.update(dict.fromkeys(names, told.with_traceback(None)))


def _told(error: Exception) -> Exception:
    """`error`, or what it means here."""
    if isinstance(error, CheckpointError):
        return UnsupportedError(
            "the model recomputes activations in the backward pass: turn gradient checkpointing off"
        )
    return error


def _blocks(conditions: Conditions, result: PassResult | None) -> tuple[Block, ...]:
    """The blocks; their multiply-adds are known after a pass only."""
    weights = conditions.model.weights
    macs = result.block_macs if result else [0] * len(weights)
    return tuple(
        Block(weight.name, tuple(weight.parameter.shape), count)
        for weight, count in zip(weights, macs, strict=True)
    )


def _values(conditions: Conditions, result: PassResult, needs: Sequence[Need]) -> dict[str, object]:
    """The fields of `Statistics` that come from the pass."""
    n = conditions.n
    result = _without_cancelled(conditions, result)
    blocks = result.blocks
    values: dict[str, object] = {"live": torch.tensor(result.live)}
    values["squared_norms"] = _stack(blocks, "squared_norms", (n,))
    request = conditions.request
    if request.gram:
        values["gram"] = _stack(blocks, "gram", (n, n))
    if request.agreement:
        values["agreement"] = _stack(blocks, "agreement", (n,))
    if request.filters:
        values["filter_alignment"] = _stack(blocks, "filter_alignment", ())
        values["filter_alignment_left_out"] = _stack(blocks, "filter_alignment_left_out", (n,))
    if request.sums:
        values["weight_sums"] = {
            statistic.name: torch.tensor(
                [0.0 if b is None else (b.sums or {})[statistic.name] for b in blocks],
                dtype=torch.float64,
            )
            for statistic in request.sums
        }
    if conditions.codes and result.codes is not None:
        matches, units = result.codes
        values["activation_matches"] = matches if units else torch.zeros(n, n, dtype=torch.float64)
        values["activation_units"] = units
    if conditions.saliency:
        saliency = saliency_by_block(result.calls, conditions.model.weights, n)
        values["channel_saliency"], values["axis_saliency"] = saliency
    if {"layers", "input_spectra", "output_spectra"} & set(needs):
        values["layers"] = tuple(_layer(c) for c in result.calls if c.is_layer and c.reached)
    return values


CANCELLATION = 64
"""Rounding errors of a sample's whole gradient below which that of a bias counts as none."""


def _without_cancelled(conditions: Conditions, result: PassResult) -> PassResult:
    """`result` without vectors whose gradient cancels in theory, such as biases before a norm."""
    vectors = [parameter.dim() < 2 for parameter in conditions.parameters]
    squares = [b.squared_norms for b in result.blocks if b is not None]
    if not any(vectors) or not squares:
        return result
    eps = torch.finfo(conditions.parameters[0].dtype).eps
    noise = (CANCELLATION * eps) ** 2 * torch.stack(squares).sum(0)
    blocks = [
        None if vector and b is not None and bool((b.squared_norms <= noise).all()) else b
        for vector, b in zip(vectors, result.blocks, strict=True)
    ]
    return replace(result, blocks=blocks)


def _weights(conditions: Conditions) -> tuple[Tensor, ...]:
    return tuple(parameter.detach().clone() for parameter in conditions.parameters)


_OUTSIDE: Mapping[str, Callable[[Conditions], object]] = {
    **{name: collector.collect for name, collector in COLLECTORS.items()},
    "macs": lambda conditions: count_macs(conditions.model, conditions.batch),
    "weights": _weights,
}
"""How the fields of `Statistics` are measured that do not come from the pass."""

OF_THE_PASS = frozenset(FIELDS) - set(_OUTSIDE) - {"params"}
"""The fields that come from the pass over per-sample gradients."""


def _stack(blocks: Sequence[BlockStatistics | None], name: str, shape: tuple[int, ...]) -> Tensor:
    """One statistic of all blocks, [L, *shape], zeros where no gradient arrives."""
    zero = torch.zeros(shape, dtype=torch.float64)
    return torch.stack([zero if block is None else getattr(block, name) for block in blocks])


def _layer(call: Call) -> Layer:
    inputs, outputs = call.input_spectrum, call.output_spectrum
    return Layer(
        name=call.name,
        macs=call.macs,
        live=call.live,
        input_spectrum=inputs[0] if inputs else None,
        input_positions=inputs[1] if inputs else 0,
        output_spectrum=outputs[0] if outputs else None,
        output_positions=outputs[1] if outputs else 0,
    )
