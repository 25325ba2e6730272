"""Multiply-adds of one sample, by torch's own counter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gradalign.batch import Batch
from gradalign.engine._loss import call
from gradalign.engine._prepare import Prepared


def count_macs(model: Prepared, batch: Batch) -> int:
    """Multiply-adds of convolutions and matrix products for one sample, without bias.

    Counted on the meta device, where attention and recurrent modules are counted right too; a model
    that looks at values cannot run there and is counted on its own device.
    """
    sample = batch[0:1]
    state = {
        name: tensor
        for named in (model.model.named_parameters(), model.model.named_buffers())
        for name, tensor in named
    }
    meta = {name: tensor.to("meta") for name, tensor in state.items()}
    try:
        return _count(model, meta, sample.to("meta"))
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        with sdpa_kernel(SDPBackend.MATH):
            return _count(model, state, sample)


def _count(model: Prepared, state: Mapping[str, Tensor], sample: Batch) -> int:
    def run(*args: Any, **kwargs: Any) -> Any:
        return functional_call(model.model, dict(state), args, kwargs)

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        call(run, sample.inputs)
    return counter.get_total_flops() // 2
