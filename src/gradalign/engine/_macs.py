"""Multiply-adds of one sample, by torch's own counter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gradalign.batch import Batch
from gradalign.engine._loss import call
from gradalign.engine._prepare import Prepared


def count_macs(model: Prepared, batch: Batch) -> int:
    """Multiply-adds of convolutions and matrix products for one sample, without bias.

    Torch counts fused attention as nothing, so attention runs in its plain form here, and recurrent
    modules on a CPU likewise, so a model that has one runs on the meta device.
    """
    sample = batch[0:1]
    tensors = (*model.model.named_parameters(), *model.model.named_buffers())
    if not any(isinstance(module, nn.RNNBase) for module in model.modules.values()):
        return _count(model, dict(tensors), sample)
    return _count(model, {name: tensor.to("meta") for name, tensor in tensors}, sample.to("meta"))


def _count(model: Prepared, state: Mapping[str, Tensor], sample: Batch) -> int:
    def run(*args: Any, **kwargs: Any) -> Any:
        return functional_call(model.model, dict(state), args, kwargs)

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        call(run, sample.inputs)
    return counter.get_total_flops() // 2
