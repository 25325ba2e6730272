"""A trained network as a folder from which it can be built again."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from gradalign.candidate import Candidate
from gradalign.data import open_source
from gradalign.errors import GradalignError
from gradalign.libraries import LIBRARIES
from gradalign.search import rebuild
from gradalign.training import save_checkpoint

CHECKED = 8
"""Samples whose outputs are stored."""


def export(
    candidate: Candidate,
    model: nn.Module,
    folder: Path,
    *,
    document: Mapping[str, object],
    data: str = "digits",
    build: Mapping[str, str | int] | None = None,
    seed: int = 0,
) -> Path:
    """Write a trained network, and see that a new process rebuilds it.

    - `architecture.json`: what it is and how it is built.
    - `weights.pt`: its state dict, for `torch.load(weights_only=True)`.
    - `check.pt`: some inputs, and its outputs in eval mode.
    - `result.json`: the document.
    - `rebuild.py`: builds it, loads the weights and compares the outputs.
    - `code/`: a copy of the file whose function makes it, where one does. Of what it imports from
      its own folder there is none. A function of a package is not copied: it is imported from
      where it is, and the hash of its file is compared.

    Args:
        candidate: The network.
        model: It, trained; left as it is.
        folder: Where; made where there is none.
        document: What is to be known of it, as JSON holds it: how it was found and trained.
        data: Source of the inputs in `check.pt`.
        build: Options of its search space, and `task`.
        seed: Of its initialisation.

    Returns:
        The folder.

    Raises:
        GradalignError: It cannot be written; or a new process cannot rebuild it, although all is
            written.
    """
    spec, function = candidate.spec, _function(candidate)
    inputs = open_source(data).draw(CHECKED, seed, spec).inputs
    trained = copy.deepcopy(model).cpu().eval()
    architecture = {
        "name": candidate.name,
        "space": candidate.space,
        "arch": candidate.arch,
        "build": dict(build or {}),
        "num_classes": spec.num_classes,
        "input_size": spec.shape if spec.tokens is None else (spec.tokens[1],),
        "seed": seed,
        "function": function,
        "versions": {
            "gradalign": version("gradalign"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    save_checkpoint(trained.state_dict(), folder / "weights.pt")
    save_checkpoint(
        {"inputs": inputs, "outputs": rebuild.outputs(trained, inputs)}, folder / "check.pt"
    )
    try:
        _write_json(architecture, folder / "architecture.json")
        _write_json(document, folder / "result.json")
        shutil.copyfile(rebuild.__file__, folder / "rebuild.py")
        _copy_code(function, folder)
    except OSError as error:
        raise GradalignError(
            f"cannot export to {str(folder)!r}: {error.strerror or error}; choose another folder"
        ) from None
    _try(function, folder)
    return folder


def _function(candidate: Candidate) -> dict[str, str] | None:
    """The function that makes a network, and where it is; None for a space or a library."""
    if candidate.space is not None or candidate.name.partition(":")[0] in LIBRARIES:
        return None
    text, brace, decisions = candidate.name.partition("{")
    place, colon, name = text.strip().rpartition(":")
    found = {"name": name, "decisions": f"{brace}{decisions}"}
    if place.endswith(".py"):
        return {**found, "copy": f"code/{Path(place).name}", "original": str(Path(place).resolve())}
    source = getattr(sys.modules.get(place), "__file__", None)
    if not colon or source is None:
        return found
    file = Path(source).resolve()
    depth = place.count(".") + (file.name == "__init__.py")
    return {
        **found,
        "module": place,
        "file": str(file),
        "folder": str(file.parents[depth]),
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def _copy_code(function: Mapping[str, str] | None, folder: Path) -> None:
    if function is not None and "copy" in function:
        (folder / "code").mkdir(exist_ok=True)
        shutil.copyfile(function["original"], folder / function["copy"])


def _write_json(document: Mapping[str, object], path: Path) -> None:
    path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _try(function: Mapping[str, str] | None, folder: Path) -> None:
    """Run rebuild.py in a new process, unless only this one knows the function."""
    if function is not None and not {"copy", "module"} & set(function):
        return
    done = subprocess.run(
        [sys.executable, "rebuild.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        line = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
        raise GradalignError(
            f"the network is in {str(folder)!r}, but its rebuild.py fails ({line}): copy what its "
            "code imports into the folder code"
        )
