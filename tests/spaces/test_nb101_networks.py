"""The networks of NAS-Bench-101 are the published ones."""

import collections
import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spaces.nb101_modules import (
    DATA,
    architectures,
    matrix_of,
    module,
    needs_data,
    parameters,
    published,
    spelled,
)
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._nb101_graph import live, pruned
from gradalign.spaces._nb101_network import Cell, vertex_channels
from gradalign.spaces.nb101 import EXAMPLE, NB101, Architecture

# Published facts


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_canonical_is_the_published_hash():
    table = published()
    for name, *row in zip(table["hash"], table["adjacency"], table["ops"], strict=True):
        assert NB101.canonical(spelled(*row)) == name


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(150, marks=needs_data),
        pytest.param(6_000, marks=[*needs_data, pytest.mark.slow, pytest.mark.timeout(1200)]),
    ],
)
def test_parameters_are_the_published_ones(count, monkeypatch):
    for name in ("kaiming_uniform_", "uniform_"):  # only the shapes matter, and this takes longest
        monkeypatch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    rows = published().sample(count, random_state=0)
    for adjacency, ops, number in zip(rows["adjacency"], rows["ops"], rows["params"], strict=True):
        with torch.device("meta"):
            net = NB101.build(spelled(adjacency, ops))
        assert parameters(net) == number, (adjacency, ops)


# Networks


def convolution(c_in: int, c_out: int, kernel: int) -> int:
    """Parameters without bias, with an affine normalisation."""
    return c_in * c_out * kernel**2 + 2 * c_out


@pytest.mark.parametrize(("stem", "modules", "classes"), [(128, 3, 10), (6, 1, 7)])
def test_parameters_by_hand(stem, modules, classes):
    def count(cell, arch: Architecture) -> None:
        """`cell` gives the parameters of one module from c_in to c_out channels."""
        ends = [c for stack in range(3) for c in [stem * 2**stack] * modules]
        widths = zip([stem, *ends[:-1]], ends, strict=True)
        total = convolution(3, stem, 3) + sum(cell(*each) for each in widths)
        with torch.device("meta"):
            net = NB101.build(arch, stem_channels=stem, modules=modules, num_classes=classes)
        assert parameters(net) == total + (ends[-1] + 1) * classes

    count(lambda a, b: convolution(a, b, 1), module(2, {(0, 1)}))
    # a projection for the vertex and one for the output
    count(lambda a, b: 2 * convolution(a, b, 1) + convolution(b, b, 3), NB101.parse(EXAMPLE))
    # three vertices share the output's channels, one more for the first ones
    three = module(5, {(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)},
                   "conv1x1-bn-relu", "maxpool3x3", "conv3x3-bn-relu")  # fmt: skip

    def shared(a: int, b: int) -> int:
        first, second, third = -(-b // 3), -(-(b - 1) // 3), b // 3
        projections = sum(convolution(a, c, 1) for c in (first, second, third))
        return projections + convolution(first, first, 1) + convolution(third, third, 3)

    count(shared, three)


@pytest.mark.parametrize(
    ("present", "c_out", "channels"),
    [
        ({(0, 1)}, 7, [7]),
        ({(0, 1), (1, 2)}, 7, [7, 7]),
        ({(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)}, 8, [3, 3, 2, 8]),
        # 1 is read by 2 (3 channels), 3 (2 channels): as wide as the wider
        ({(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)}, 5, [3, 3, 2, 5]),
        # 1 is read by the output and by 2, whose share is smaller
        ({(0, 1), (1, 2), (1, 3), (2, 3)}, 5, [3, 2, 5]),
        # a chain before the shared part: 1 <- 2 <- 3, 4
        ({(0, 1), (1, 2), (2, 3), (2, 4), (3, 5), (4, 5)}, 9, [5, 5, 5, 4, 9]),
    ],
)
def test_channels_by_hand(present, c_out, channels):
    matrix = matrix_of(1 + len(channels), present)
    assert vertex_channels(matrix, c_out) == dict(enumerate(channels, start=1))


@settings(deadline=None, max_examples=30)
@given(architectures(), st.integers(5, 9))
def test_a_cell_computes_the_published_module(arch, c_out):
    """Each vertex by recursion from its definition, with the cell's own weights."""
    matrix, last = pruned(arch.matrix), len(live(arch.matrix)) - 1
    cell = Cell(matrix, arch.inner, 4, c_out).double().eval()
    x = torch.randn(2, 4, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def conv(name: str, value: torch.Tensor) -> torch.Tensor:
        weight = cell.get_parameter(f"{name}.0.weight")
        out = nn.functional.conv2d(value, weight, padding=weight.shape[-1] // 2)
        return (out / (1 + 1e-5) ** 0.5).relu()

    def vertex(v: int) -> torch.Tensor:
        arriving = [vertex(source) for source in range(1, v) if matrix[source][v]]
        if matrix[0][v]:
            arriving.append(conv(f"projections.{v}", x))
        width = cell.channels[v]  # tested by hand above
        total = sum(value[:, :width] for value in arriving)
        if arch.inner[v - 1] != "maxpool3x3":
            return conv(f"vertices.{v - 1}", total)
        around = nn.functional.pad(total, (1, 1, 1, 1), value=-math.inf)
        return around.unfold(2, 3, 1).unfold(3, 3, 1).amax((4, 5))

    joined = [vertex(v) for v in range(1, last) if matrix[v][last]]
    expected = torch.cat(joined, 1) if joined else torch.zeros(())
    if matrix[0][last]:
        expected = expected + conv(f"projections.{last}", x)
    torch.testing.assert_close(cell(x), expected, rtol=1e-12, atol=1e-12)
    assert cell(x).shape == (2, c_out, 5, 6)


def test_the_skeleton_is_the_published_one():
    with torch.device("meta"):
        net = NB101.build(EXAMPLE)
    assert [type(layer).__name__ for layer in net.layers] == (
        ["Cell"] * 3 + ["MaxPool2d"] + ["Cell"] * 3 + ["MaxPool2d"] + ["Cell"] * 3
    )
    assert [layer.channels[2] for layer in net.layers if isinstance(layer, Cell)] == (
        [128] * 3 + [256] * 3 + [512] * 3
    )
    assert all(m.bias is None for m in net.modules() if isinstance(m, nn.Conv2d))
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {(m.eps, m.momentum) for m in norms} == {(1e-5, 0.003)}


@pytest.mark.parametrize("size", [1, 7, 8, 32])
def test_forward_gives_logits(size):
    net = NB101.build(EXAMPLE, stem_channels=4, modules=1, num_classes=7, seed=0)
    assert net.training
    assert net(torch.randn(2, 3, size, size)).shape == (2, 7)


@pytest.mark.parametrize("seed", range(10))
def test_every_parameter_gets_a_gradient(seed):
    arch = NB101.sample(random.Random(seed))
    net = NB101.build(arch, stem_channels=8, modules=1, seed=0)
    generator = torch.Generator().manual_seed(0)
    out = net(torch.randn(4, 3, 8, 8, generator=generator))
    nn.functional.cross_entropy(out, torch.arange(4)).backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_vertices_on_no_path_are_not_built():
    spare = module(4, {(0, 1), (1, 3), (0, 2)}, "maxpool3x3", "conv3x3-bn-relu")
    kinds = collections.Counter(
        type(m) for m in NB101.build(spare, stem_channels=4, modules=1).modules()
    )
    assert kinds[nn.Conv2d] == 1 + 3  # the stem, and a projection in each stack
    assert kinds[nn.MaxPool2d] == 3 + 2


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"channels": 4}, "no option 'channels': it has modules, stem_channels"),
        ({"modules": 0}, "modules is '0'"),
        ({"stem_channels": 2}, "stem_channels is 2: the output of this module joins 3 vertices"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, fault):
    three = module(5, {(0, v) for v in (1, 2, 3)} | {(v, 4) for v in (1, 2, 3)},
                   *["maxpool3x3"] * 3)  # fmt: skip
    with pytest.raises(InputError, match=fault):
        NB101.build(three, **options)
