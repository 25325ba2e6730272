"""Rebuild the network of this folder, load its trained weights, and check its outputs.

    python rebuild.py                    the outputs of stored inputs must equal the stored ones
    python rebuild.py FILE.py:function   the same with a function that is now elsewhere

From Python, with this folder on the path: `from rebuild import rebuild; model = rebuild()`. It
needs gradalign, and what the network's own code imports.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gradalign.errors import InputError
from gradalign.models import resolve

HERE = Path(__file__).resolve().parent

ROUNDING = 1e-3
"""Largest difference of outputs that another processor may make, as a share of the largest one."""


def rebuild(function: str | None = None) -> nn.Module:
    """The trained network, on the CPU in eval mode.

    Args:
        function: What makes it, if that is not where it was: FILE.py:function or
            package.module:function.

    Raises:
        InputError: The code that makes the network is not found, or has changed.
    """
    own = json.loads((HERE / "architecture.json").read_text(encoding="utf-8"))
    made_by = own["function"]
    name = own["name"]
    if made_by is not None:
        function = function or f"{_place(made_by)}:{made_by['name']}"
        name = f"{function}{made_by['decisions']}"
    shape = own["input_size"]
    candidate = resolve(
        name,
        build=own["build"],
        num_classes=own["num_classes"],
        input_size=None if shape is None else tuple(shape),
    )
    model = candidate.build(own["seed"])
    try:
        model.load_state_dict(torch.load(HERE / "weights.pt", weights_only=True))
    except RuntimeError:  # its message is a list of all weights
        raise InputError(
            f"the weights do not fit {name!r}: the code that makes it has changed"
        ) from None
    return model.eval()


def _place(made_by: Mapping[str, str]) -> str:
    """The file or the module in which a function is."""
    if "copy" in made_by:
        return str(HERE / made_by["copy"])
    if "module" not in made_by:
        raise InputError(
            f"{made_by['name']} was defined where no other program finds it: put it into a file, "
            "and run: python rebuild.py FILE.py:function"
        )
    file = Path(made_by["file"])
    if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != made_by["sha256"]:
        _say(f"{file} is gone, or not what it was when the network was exported")
    sys.path.append(made_by["folder"])
    return made_by["module"]


def outputs(model: nn.Module, inputs: Any) -> torch.Tensor:
    """What the network makes of inputs, on one thread: with more, sums come in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            found = model(**inputs) if isinstance(inputs, dict) else model(inputs)
    finally:
        torch.set_num_threads(threads)
    logits: torch.Tensor = getattr(found, "logits", found)
    return logits


def main() -> None:
    """Rebuild, compare, and say what came out; exit code 1 where the outputs are others."""
    try:
        model = rebuild(*sys.argv[1:2])
    except InputError as error:
        raise SystemExit(str(error)) from None
    stored = torch.load(HERE / "check.pt", weights_only=True)
    expected, found = stored["outputs"], outputs(model, stored["inputs"])
    _say(f"rebuilt, {sum(weight.numel() for weight in model.parameters()):,} weights loaded")
    if torch.equal(found, expected):
        _say("its outputs on the stored inputs are equal, bit for bit")
        return
    off = float((found - expected).abs().max()) if found.shape == expected.shape else float("inf")
    if not off <= ROUNDING * float(expected.abs().max()):
        raise SystemExit(
            f"its outputs on the stored inputs are others, by up to {off:.2g}: the code that makes "
            "it has changed, or draws at random in eval mode"
        )
    _say(f"its outputs on the stored inputs are equal but for rounding, {off:.1e} at most")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
