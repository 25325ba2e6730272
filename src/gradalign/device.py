"""Where a network runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from gradalign.errors import InputError
from gradalign.failure import one_line


def usable_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        InputError: There is none, or it holds no values.
    """
    try:
        probe = torch.zeros(1, device=name)
        probe.item()
    except Exception as error:  # noqa: BLE001 - torch raises whatever its backends do
        raise InputError(
            f"the device {name!r} cannot be used ({one_line(error).split('. ')[0]}): choose auto, "
            "cpu, cuda or cuda:k"
        ) from None
    return probe.device  # with its index, where the name has none


@contextmanager
def placed(model: nn.Module, device: torch.device | None, *, stays: bool) -> Iterator[torch.device]:
    """Context in which `model` is on `device`; None: a network that stays is left where it is."""
    homes = {tensor.device for tensor in (*model.parameters(), *model.buffers())}
    home = next(iter(homes), torch.device("cpu"))
    if device is None:
        movable = not stays and homes == {torch.device("cpu")} and torch.cuda.is_available()
        device = torch.device("cuda", torch.cuda.current_device()) if movable else home
    if homes <= {device}:
        yield device
        return
    if len(homes) > 1:
        raise InputError(
            f"the model is spread over {len(homes)} devices: leave device='auto', or move it to one"
        )
    model.to(device)
    try:
        yield device
    finally:
        if stays:
            model.to(home)
