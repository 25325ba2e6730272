"""The full-class tangent kernel: inner products of the gradients of every output of every sample.

Output c of sample i is taken for a loss of its own: the batch is repeated, once for each output,
and goes through the ordinary pass over per-sample gradients. Statistics of the whole batch are the
same in the repeated one. The n C x P Jacobian never exists.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gradalign.batch import Batch
from gradalign.engine._backends import run
from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import call, output_matrix
from gradalign.engine._reduce import Request
from gradalign.engine._weights import Weight
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.naive import differentiable, gradient
from gradalign.errors import UnsupportedError

ROWS = 256
"""Samples of one pass, repetitions included: activations take as much memory as for so many."""


def logit_jacobian_gram(conditions: Conditions) -> Tensor:
    """[n C, n C], float64 on the CPU; row c n + i is output c of sample i.

    Raises:
        UnsupportedError: `norm=batch`, or more outputs and samples than the budget has room for.
    """
    norm = conditions.probe.norm
    if norm == "batch":
        raise UnsupportedError(
            "norm='batch' has no Jacobian of single outputs: choose norm='batch_fixed' or "
            "'batch_exact'"
        )
    with torch.no_grad(), conditions.mode(conditions.n):
        outputs = output_matrix(call(conditions.model.model, conditions.batch.inputs), conditions.n)
    rows = outputs.numel()
    if 8 * rows**2 > conditions.work.byte_budget:
        raise UnsupportedError(
            f"the full-class kernel of {conditions.n} samples with {outputs.shape[1]} outputs each "
            "is too large: take fewer samples"
        )
    if norm == "batch_exact":
        return _through_the_batch(conditions, rows)
    return _by_repetition(conditions, outputs.shape[1])


def _by_repetition(conditions: Conditions, outputs: int) -> Tensor:
    """From passes over the batch, repeated for some of the outputs at a time."""
    n = conditions.n
    gram = torch.zeros(n * outputs, n * outputs, dtype=torch.float64)
    for chosen in _choices(n, outputs):
        part = _repeated(conditions, chosen)
        sizes = [16 * part.n**2] * len(part.parameters)
        grams = [_sum_of_grams(part, group) for group in _groups(part, sizes)]
        place = torch.cat([torch.arange(c * n, (c + 1) * n) for c in chosen])
        gram[place[:, None], place] = torch.stack(grams).sum(0)
    return gram


def _choices(n: int, outputs: int) -> Iterator[list[int]]:
    """Outputs to take together, so that every two of them are together at least once."""
    size = max(1, ROWS // (2 * n))
    if outputs <= 2 * size:
        yield list(range(outputs))
        return
    parts = [list(range(k, min(k + size, outputs))) for k in range(0, outputs, size)]
    for first, second in itertools.combinations(parts, 2):
        yield first + second


def _repeated(conditions: Conditions, chosen: Sequence[int]) -> Conditions:
    """The conditions of a pass in which every chosen output of every sample is a loss."""
    n, device = conditions.n, conditions.parameters[0].device
    again = torch.arange(n, device=device).repeat(len(chosen))
    which = torch.tensor(chosen, device=device).repeat_interleave(n)
    inputs = conditions.batch.map(lambda tensor: tensor[again]).inputs

    def one_output(output: Any, which: Tensor) -> Tensor:
        return output_matrix(output, len(which)).gather(1, which[:, None]).squeeze(1)

    return replace(
        conditions,
        batch=Batch(inputs, which),
        probe=conditions.probe.with_(objective="loss"),
        loss_fn=one_output,
        request=Request(gram=True),
        spectra=frozenset(),
        codes=False,
        needs=frozenset(),
    )


def _sum_of_grams(conditions: Conditions, group: list[Weight]) -> Tensor:
    """Sum over the blocks of `group` of their Gram matrices."""
    model = replace(conditions.model, weights=group)
    result, _ = run(replace(conditions, model=model), "auto", "auto")
    grams = [block.gram for block in result.blocks if block is not None and block.gram is not None]
    return sum(grams, torch.zeros(conditions.n, conditions.n, dtype=torch.float64))


def _groups(conditions: Conditions, sizes: Sequence[int]) -> Iterator[list[Weight]]:
    """The blocks, so many bytes each, in groups that fit the budget, at least one a group."""
    group: list[Weight] = []
    used = 0
    for weight, size in zip(conditions.model.weights, sizes, strict=True):
        if group and used + size > conditions.work.byte_budget:
            yield group
            group, used = [], 0
        group.append(weight)
        used += size
    yield group


def _through_the_batch(conditions: Conditions, rows: int) -> Tensor:
    """By one backward for each output, through the statistics of the batch, a few blocks a time."""
    sizes = [rows * p.numel() * p.element_size() for p in conditions.parameters]
    grams = [_dense_gram(conditions, group, rows) for group in _groups(conditions, sizes)]
    return torch.stack(grams).sum(0)


def _dense_gram(conditions: Conditions, group: Sequence[Weight], rows: int) -> Tensor:
    """Gram matrix of the Jacobian of all outputs by the blocks of `group`, float64."""
    parameters = [weight.parameter for weight in group]
    jacobian = parameters[0].new_zeros(rows, sum(p.numel() for p in parameters))
    with differentiable(conditions.model):
        with conditions.mode(conditions.n):
            answer = call(conditions.model.model, conditions.batch.inputs)
        outputs = output_matrix(answer, conditions.n).T.flatten()
        for row, output in zip(jacobian, outputs, strict=True):
            found = gradient(output, parameters, keep=True)
            pieces = row.split([p.numel() for p in parameters])
            for piece, derivative in zip(pieces, found, strict=True):
                if derivative is not None:
                    piece.copy_(derivative.flatten())
    return (jacobian @ jacobian.T).double().cpu()


COLLECTORS.add(
    "logit_jacobian_gram",
    Collector(
        cost="C passes; 2 to 4 C and more where n C exceeds 256",
        collect=logit_jacobian_gram,
    ),
)
