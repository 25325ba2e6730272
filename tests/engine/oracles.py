"""The reference networks with the values that the proxies' authors' code gives on them."""

import importlib.util
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import gradalign as ga
from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.probe import Probe
from gradalign.proxies import PROXIES

NETWORKS = ("cell_cnn", "tiny_vit")


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


def batches(index: str) -> Batch:
    """Minibatches of the 64 images, one after the other, that an index in the inputs names."""
    arrays = np.load(folder() / "inputs.npz")
    return images(64)[torch.from_numpy(arrays[index].reshape(-1))]


def agrees(net: str, entry: str, proxy: str, batch: Batch, **options: object) -> None:
    """The proxy gives the entry's value, in the official regime unless `options` say otherwise."""
    expected, tolerance = value(net, entry)
    found = ga.score(network(net), batch, proxies=[proxy], **{"regime": "official", **options})
    assert found[proxy].reason is None
    assert found[proxy].value == pytest.approx(expected, rel=tolerance, abs=0)


def inputs(name: str) -> torch.Tensor:
    """Inputs by their name in the file, such as `noise_a`."""
    return torch.from_numpy(np.load(folder() / "inputs.npz")[name]).double()


def agrees_on(
    net: str, entry: str, proxy: str, *, weights: str | None = None, **batches: torch.Tensor
) -> None:
    """The proxy gives the entry's value in `norm=batch` from the inputs of each of its probes."""
    model = network(net)
    if weights is not None:
        model.load_state_dict(torch.load(folder() / weights, weights_only=True))
    expected, tolerance = value(net, entry)
    entry_of = PROXIES[proxy]
    passes = {
        name: collect(model, Batch(x), Probe(norm="batch"), entry_of.needs)
        for name, x in batches.items()
    }
    assert entry_of(**passes).value == pytest.approx(expected, rel=tolerance, abs=0)
