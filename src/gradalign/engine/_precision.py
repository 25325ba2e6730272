"""Full float32 precision and the same kernels every time, whatever the caller has allowed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import backends


@contextmanager
def full_precision() -> Iterator[None]:
    """Context without TF32 or bfloat16 inside float32 products, and with cuDNN's fixed algorithms.

    By default torch lets cuDNN round the inputs of float32 convolutions to TF32, 10 bits of
    mantissa. Afterwards, also after an exception, all flags are as before.
    """
    with ExitStack() as stack:
        try:
            _without_tf32(stack)
        except RuntimeError:  # set by the newer interface, and then not to be read by the older one
            _each_operation_exact(stack)
        _hold(stack, backends.cudnn, "deterministic", value=True)
        _hold(stack, backends.cudnn, "benchmark", value=False)
        yield


def _without_tf32(stack: ExitStack) -> None:
    precision, allowed = torch.get_float32_matmul_precision(), backends.cudnn.allow_tf32
    if precision != "highest":  # set again, it would no longer follow `torch.backends`
        stack.callback(torch.set_float32_matmul_precision, precision)
        torch.set_float32_matmul_precision("highest")
    if allowed:
        _hold(stack, backends.cudnn, "allow_tf32", value=False)


def _each_operation_exact(stack: ExitStack) -> None:
    for backend, operations in (
        (backends.cuda, ("matmul",)),
        (backends.cudnn, ("conv", "rnn")),
        (backends.mkldnn, ("matmul", "conv", "rnn")),
    ):
        for name in operations:
            _hold(stack, getattr(backend, name), "fp32_precision", value="ieee")


def _hold(stack: ExitStack, owner: Any, name: str, *, value: object) -> None:
    """Give a flag a value until the end of the context."""
    stack.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)
