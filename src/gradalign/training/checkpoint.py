"""The state of a training in a file that is there whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gradalign.errors import GradalignError, InputError


def save_checkpoint(state: Mapping[str, Any], path: Path) -> None:
    """Write tensors, numbers and texts, in the place of a checkpoint of that name.

    Args:
        state: Such as `Training.state` gives it.
        path: Where; its folder is made.

    Raises:
        GradalignError: It cannot be written; what stood under the name before still does.
    """
    content = io.BytesIO()  # torch tells of a full disk in words of its own
    torch.save(dict(state), content)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with half.open("wb") as file:
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise GradalignError(
            f"cannot write the checkpoint {str(path)!r}: {error.strerror or error}; make room, or "
            "choose another folder"
        ) from None


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """What `save_checkpoint` has written, on the CPU; None: there is no such file.

    Raises:
        InputError: Another file, or a damaged one.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception:  # noqa: BLE001 - other files make torch raise all there is
        state = None
    if not isinstance(state, dict):
        raise InputError(
            f"{str(path)!r} is no checkpoint, or a damaged one: remove it to train anew"
        )
    return state
