"""The networks of NAS-Bench-201 are the published ones."""

import collections
import os
import random
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces import get_space
from gradalign.spaces.nb201 import EXAMPLE, NB201, Architecture

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
DATA = os.environ.get("GRADALIGN_DATA")
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set"),
]


def published() -> pd.DataFrame:
    return pd.read_parquet(Path(DATA or "") / "nb201_dev.parquet")


def spell(*operations: str) -> str:
    """The published spelling, written out."""
    return "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*operations)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def small(arch: str, seed: int = 0) -> nn.Module:
    return get_space("nb201").build(arch, channels=4, cells=1, seed=seed)


def naive_parameters(operations: tuple[str, ...], channels: int, cells: int, classes: int) -> int:
    """Parameters, counted from the published description."""

    def convolution(c_in: int, c_out: int, kernel: int) -> int:  # no bias, affine normalisation
        return c_in * c_out * kernel**2 + 2 * c_out

    total, c = convolution(3, channels, 3), channels
    for stage in range(3):
        if stage:
            total += convolution(c, 2 * c, 3) + convolution(2 * c, 2 * c, 3) + c * 2 * c
            c *= 2
        total += cells * operations.count("nor_conv_3x3") * convolution(c, c, 3)
        total += cells * operations.count("nor_conv_1x1") * convolution(c, c, 1)
    return total + 2 * c + (c + 1) * classes


@pytest.mark.parametrize(("channels", "cells", "classes"), [(16, 5, 10), (8, 2, 100), (3, 1, 1)])
def test_parameters_by_hand(channels, cells, classes):
    for seed in range(5):
        arch = NB201.sample(random.Random(seed))
        with torch.device("meta"):
            net = NB201.build(arch, channels=channels, cells=cells, num_classes=classes)
        assert parameters(net) == naive_parameters(arch.operations, channels, cells, classes)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(100, marks=needs_data),
        pytest.param(5_000, marks=[*needs_data, pytest.mark.slow, pytest.mark.timeout(1200)]),
    ],
)
def test_parameters_are_the_published_ones(count, monkeypatch):
    for name in ("kaiming_uniform_", "uniform_"):  # only the shapes matter, and this takes longest
        monkeypatch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    rows = published().sample(count, random_state=0)
    for text, millions in zip(rows["arch"], rows["cifar10_params_M"], strict=True):
        with torch.device("meta"):
            net = NB201.build(text)
        assert parameters(net) / 1e6 == pytest.approx(millions, abs=1e-6), text


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(40, marks=needs_data),
        pytest.param(5_000, marks=[*needs_data, pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_flops_are_the_published_ones(count, monkeypatch):
    for name in ("kaiming_uniform_", "uniform_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    rows = published().sample(count, random_state=1)
    for text, millions in zip(rows["arch"], rows["cifar10_flops_M"], strict=True):
        assert NB201.published_flops(text) == round(millions * 1e6), text


def test_flops_by_hand():
    # No operation at all: what is left is the skeleton, layer by layer.
    text = spell(*["none"] * 6)
    convolutions = 3 * 16 * 9 * 32**2 + (16 * 32 + 32 * 32) * 9 * 16**2 + 16 * 32 * 16**2
    convolutions += (32 * 64 + 64 * 64) * 9 * 8**2 + 32 * 64 * 8**2
    norms = 2 * (16 * 32**2 + 2 * 32 * 16**2 + 2 * 64 * 8**2 + 64 * 8**2)
    relus = 16 * 32**2 + 32 * 16**2 + 32 * 16**2 + 64 * 8**2 + 64 * 8**2
    pools = 4 * (16 * 16**2 + 32 * 8**2) + 64 * 9**2
    expected = convolutions + 64 * 10 + norms + relus + pools
    assert NB201.published_flops(text) == expected


@pytest.mark.parametrize(
    ("task", "shape", "classes"),
    [
        ("cifar10", (3, 32, 32), 10),
        ("cifar100", (3, 32, 32), 100),
        ("imagenet16-120", (3, 16, 16), 120),
    ],
)
def test_tasks_are_the_published_data_sets(task, shape, classes):
    assert NB201.task(task).input_size == shape
    network = NB201.build(EXAMPLE, task=task, channels=4, cells=1, seed=0).eval()
    assert network(torch.zeros(1, *shape)).shape == (1, classes)


def test_a_trial_decides_every_edge():
    optuna = pytest.importorskip("optuna")
    operations = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "none")
    names = ("1<-0", "2<-0", "2<-1", "3<-0", "3<-1", "3<-2")
    trial = optuna.trial.FixedTrial(dict(zip(names, operations, strict=True)))
    assert NB201.suggest(trial) == Architecture(operations)


def test_the_best_network_has_the_published_skeleton():
    with torch.device("meta"):
        net = NB201.build(EXAMPLE)
    assert parameters(net) == 1_073_466
    assert len(net.cells) == 3 * 5 + 2
    kinds = collections.Counter(type(module) for module in net.modules())
    assert kinds[nn.Conv2d] == 1 + 15 * 5 + 2 * 3
    assert kinds[nn.Linear] == 1
    assert [m.kernel_size for m in net.cells[0].modules() if isinstance(m, nn.Conv2d)] == (
        [(3, 3)] * 4 + [(1, 1)]
    )
    assert all(m.bias is None for m in net.modules() if isinstance(m, nn.Conv2d))
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(m.affine and m.track_running_stats for m in norms)


@pytest.mark.parametrize("size", [8, 16, 32])
def test_forward_gives_logits(size):
    net = get_space("nb201").build(EXAMPLE, channels=4, cells=1, num_classes=7, seed=0)
    assert net.training
    assert net(torch.randn(2, 3, size, size)).shape == (2, 7)


def test_a_cell_computes_the_published_sum():
    operations = ("nor_conv_3x3", "avg_pool_3x3", "none", "skip_connect", "nor_conv_1x1",
                  "nor_conv_3x3")  # fmt: skip
    cell = small(spell(*operations)).cells[0].double().eval()
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)

    def conv(edge: int, value: torch.Tensor, padding: int) -> torch.Tensor:
        weight = cell.get_parameter(f"layers.{edge}.op.1.weight")
        return nn.functional.conv2d(value.relu(), weight, padding=padding) / (1 + 1e-5) ** 0.5

    ones = torch.ones(1, 1, 8, 8, dtype=torch.float64)
    nine = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    counts = nn.functional.conv2d(ones, nine, padding=1)  # padding is not counted
    sums = nn.functional.conv2d(x.flatten(0, 1)[:, None], nine, padding=1).view_as(x)
    first = conv(0, x, 1)
    second = sums / counts  # and nothing from node 1
    third = x + conv(4, first, 0) + conv(5, second, 1)
    torch.testing.assert_close(cell(x), third, rtol=1e-12, atol=1e-12)


def test_none_keeps_the_graph_and_passes_no_gradient():
    net = small(spell(*["none"] * 6))
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    stem = net.stem[0].weight.grad
    assert stem is not None
    assert not stem.any()


def test_a_reduction_halves_the_map_over_both_branches():
    block = small(EXAMPLE).cells[1].double().eval()
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    averaged = x.unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean((3, 5))
    shortcut = torch.einsum("oc,nchw->nohw", block.downsample[1].weight[:, :, 0, 0], averaged)
    expected = shortcut + block.conv_b(block.conv_a(x))
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


# Initialisation and options


def test_seed_decides_the_weights_and_leaves_the_generator():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = small(EXAMPLE, 3), small(EXAMPLE, 3), small(EXAMPLE, 4)
    assert torch.equal(torch.get_rng_state(), before)
    pairs = zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)
    edges = first.cells[0].layers
    assert not torch.equal(edges[0].op[1].weight, edges[1].op[1].weight)


def test_without_a_seed_the_global_generator_draws():
    torch.manual_seed(5)
    first = NB201.build(EXAMPLE, channels=4, cells=1)
    second = NB201.build(EXAMPLE, channels=4, cells=1)
    torch.manual_seed(5)
    again = NB201.build(EXAMPLE, channels=4, cells=1)
    assert torch.equal(first.classifier.weight, again.classifier.weight)
    assert not torch.equal(first.classifier.weight, second.classifier.weight)


def test_options_given_as_text_are_read():
    as_text = NB201.build(EXAMPLE, channels="4", cells="1")
    assert parameters(as_text) == parameters(NB201.build(EXAMPLE, channels=4, cells=1))


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"stem": 4}, "no option 'stem': it has cells, channels"),
        ({"cells": "five"}, "cells is 'five': a whole number of at least 1"),
        ({"cells": 0}, "cells is '0'"),
        ({"channels": 2.5}, "channels is '2.5'"),
        ({"channels": True}, "channels is 'True'"),
        ({"num_classes": -1}, "num_classes is '-1'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, fault):
    with pytest.raises(InputError, match=fault):
        NB201.build(EXAMPLE, **options)


def test_modules_do_not_know_the_spelling():
    for module in small(EXAMPLE).modules():
        assert EXAMPLE not in map(str, vars(module).values())
