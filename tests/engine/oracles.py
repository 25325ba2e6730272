"""The reference networks with the values that the proxies' authors' code gives on them."""

import importlib.util
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from gradalign.batch import Batch


def folder() -> Path:
    if "GRADALIGN_DATA" not in os.environ:
        pytest.skip("GRADALIGN_DATA is unset: no reference values at hand")
    return Path(os.environ["GRADALIGN_DATA"]).parent / "oracles"


@cache
def expected() -> dict:
    return json.loads((folder() / "expected.json").read_text())


def value(net: str, entry: str) -> tuple[float, float]:
    """The value in float64 and its relative tolerance."""
    found = expected()[net][entry]
    return found["value_float64"], found["tolerance"]["rtol_float64"]


def network(name: str) -> torch.nn.Module:
    spec = importlib.util.spec_from_file_location("oracle_nets", folder() / "nets.py")
    nets = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nets)
    net = nets.build(name)
    net.load_state_dict(torch.load(folder() / f"{name}.pt", weights_only=True))
    return net.double()


def images(count: int) -> Batch:
    arrays = np.load(folder() / "inputs.npz")
    x, y = arrays[f"x{count}"], arrays[f"y{count}"]
    return Batch(torch.from_numpy(x).double(), torch.from_numpy(y))


def gram(name: str) -> torch.Tensor:
    return torch.from_numpy(np.load(folder() / "gram.npz")[name])
