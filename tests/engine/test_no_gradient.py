"""A network whose last operation before pooling is a normalisation has no gradient."""

import pytest
import torch
from torch import nn

import gradalign as ga
from gradalign.engine import collect
from gradalign.probe import Probe


def network(last: nn.Module, *, depth: int = 3, width: int = 8) -> nn.Module:
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width)]
    for _ in range(depth):
        layers += [nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)]
    return nn.Sequential(*layers, last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5))


def batch(dtype: torch.dtype, n: int = 6) -> ga.Batch:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, 3, 12, 12, generator=generator).to(dtype)
    return ga.Batch(x, torch.arange(n) % 5)


@pytest.mark.parametrize("backend", ["hooks", "vmap", "loop"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("depth", [1, 12])
def test_rounding_noise_is_no_gradient(dtype: torch.dtype, backend: str, depth: int) -> None:
    net = network(nn.Identity(), depth=depth).to(dtype)
    stats = collect(net, batch(dtype), Probe(norm="sample"), ["gram"], backend=backend)
    assert not stats.has_gradient
    # The classifier lives: its inputs are constants, biases of the last normalisation plus noise.
    assert not stats.live[:-1].any()
    assert bool((stats.gram[:-1] == 0).all())


@pytest.mark.parametrize("backend", ["hooks", "vmap", "loop"])
@pytest.mark.parametrize("norm", ["batch_fixed", "frozen"])
def test_other_modes_have_one(norm: str, backend: str) -> None:
    net = network(nn.Identity())
    stats = collect(net, batch(torch.float32), Probe(norm=norm), ["gram"], backend=backend)
    assert stats.has_gradient
    assert stats.live.all()


def test_a_relu_before_the_pooling_makes_it_live() -> None:
    stats = collect(network(nn.ReLU()), batch(torch.float32), Probe(norm="sample"), ["gram"])
    assert stats.has_gradient
    assert stats.live.all()


@pytest.mark.parametrize("last", [nn.InstanceNorm2d(8), nn.GroupNorm(8, 8)])
def test_normalisations_of_single_samples_likewise(last: nn.Module) -> None:
    stats = collect(network(last), batch(torch.float32), Probe(), ["gram"])
    assert not stats.has_gradient


def test_batch_of_one_in_batch_mode_is_a_sample_by_itself() -> None:
    one = batch(torch.float32, n=1)
    stats = collect(network(nn.Identity()), one, Probe(norm="batch"), ["gram"])
    assert not stats.has_gradient


def test_scores_say_so_and_name_the_way_out() -> None:
    scores = ga.score(
        network(nn.Identity()), batch(torch.float32), proxies="gradalign_i,params", norm="sample"
    )
    assert scores["gradalign_i"].status == "no_gradient"
    assert scores["gradalign_i"].value is None
    assert "batch_fixed" in scores["gradalign_i"].reason
    assert scores["params"].status == "ok"


def test_logistic_regression_behind_a_normalisation_is_alive() -> None:
    net = nn.Sequential(nn.BatchNorm1d(7), nn.Linear(7, 3))
    x = torch.randn(8, 7, generator=torch.Generator().manual_seed(0))
    stats = collect(net, ga.Batch(x, torch.arange(8) % 3), Probe(), ["gram"])
    assert stats.has_gradient


def test_a_dead_network_has_none() -> None:
    net = network(nn.ReLU())
    for parameter in net[-1].parameters():
        nn.init.zeros_(parameter)
    stats = collect(net, batch(torch.float32), Probe(), ["gram"])
    assert stats.live.tolist() == [False] * 4 + [True]
    assert not stats.has_gradient
