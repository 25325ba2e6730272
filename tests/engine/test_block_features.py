"""Which outputs count as those of a network's blocks, and what each block lets pass."""

import math
import random
from contextlib import contextmanager

import pytest
import torch
import torch.nn.functional as F
from tests.engine import oracles
from torch import nn

from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.engine._conditions import Conditions
from gradalign.engine._gradient import Workspace
from gradalign.engine._prepare import prepared
from gradalign.engine.collectors.block_features import block_features, gains, signs_from_seed
from gradalign.errors import UndefinedScore, UnsupportedError
from gradalign.probe import Probe
from gradalign.spaces import SPACES


@contextmanager
def features(model, x, norm="batch_fixed"):
    probe = Probe(norm=norm)
    with prepared(model, probe) as ready:
        yield block_features(Conditions(ready, Batch(x), probe, None, Workspace(1 << 28)))


def shapes(model, x):
    with features(model, x) as (found, axis):
        return [tuple(feature.shape[1:]) for feature in found], axis


class Residual(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, stride, 1)
        self.norm = nn.BatchNorm2d(c_out)
        self.relu = nn.ReLU(inplace=True)
        self.short = nn.Conv2d(c_in, c_out, 1, stride)

    def forward(self, x):
        out = self.norm(self.conv(x))
        out += self.short(x)
        return self.relu(out)


class ResNet(nn.Module):
    """Stages as attributes, in-place operations, functions in between."""

    def __init__(self, blocks=2):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, 1, 1), nn.BatchNorm2d(4)
        self.relu, self.pool = nn.ReLU(inplace=True), nn.MaxPool2d(2)
        self.stage1 = nn.Sequential(*(Residual(4, 4, 1) for _ in range(blocks)))
        self.stage2 = nn.Sequential(
            Residual(4, 6, 2), *(Residual(6, 6, 1) for _ in range(1, blocks))
        )
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.pool(self.relu(self.norm(self.conv(x))))
        x = F.relu_(self.stage2(self.stage1(x)))
        return self.head(x.mean((2, 3)))


def transformer(**options):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)
    return nn.Sequential(
        nn.Linear(5, 8), nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    )


IMAGES = torch.randn(3, 3, 14, 14)
HALVED = [(4, 7, 7)] * 3 + [(6, 4, 4)] * 2


@pytest.mark.parametrize(
    ("model", "x", "expected", "axis"),
    [
        pytest.param(ResNet(), IMAGES, HALVED, 1, id="stages"),
        pytest.param(ResNet(1), IMAGES, [(4, 7, 7)] * 2 + [(6, 4, 4)], 1, id="one block a stage"),
        pytest.param(transformer(), torch.randn(2, 6, 5), [(6, 8)] * 6, -1, id="norm last"),
        pytest.param(
            transformer(norm_first=True), torch.randn(2, 6, 5), [(6, 8)] * 6, -1, id="norm first"
        ),
        pytest.param(
            nn.Sequential(
                *(nn.Conv2d(3, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
                *(nn.MaxPool2d(2), nn.Conv2d(4, 5, 3, 1, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
                *(nn.Flatten(), nn.Linear(5, 3)),
            ),
            IMAGES,
            [(4, 14, 14), (5, 7, 7)],
            1,
            id="plain layers",
        ),
        pytest.param(
            nn.Sequential(
                *(nn.Flatten(), nn.Linear(588, 8), nn.ReLU()),
                *(nn.Linear(8, 7), nn.ReLU(), nn.Linear(7, 3)),
            ),
            IMAGES,
            [(8,), (7,)],
            1,
            id="vectors",
        ),
    ],
)
def test_features_of_usual_networks(model, x, expected, axis):
    assert shapes(model, x) == (expected, axis)


COUNTS = {
    "darts": (8, 0),
    "macro": (8, 0),
    "nats_sss": (5, 0),
    "nb101": (9, 0),
    "nb201": (17, 0),
}
"""Blocks of the spaces in which all networks have as many."""


@pytest.mark.parametrize("name", COUNTS)
def test_stem_and_every_cell_of_a_space(name):
    space = SPACES[name]
    model = space.build(space.sample(random.Random(1)))
    found, axis = shapes(model, torch.randn(2, 3, 32, 32))
    assert (len(found), axis) == (1 + COUNTS[name][0], 1)
    assert found[0][1:] == (32, 32)  # the stem


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_features_of_the_reference_networks(net):
    model, x = oracles.network(net), oracles.images(16).inputs
    with torch.no_grad():
        expected = model.eval().block_features(x)
    with features(model, x, "frozen") as (found, _):
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_networks_without_a_chain_are_refused():
    for model in (nn.Sequential(nn.Flatten(), nn.Linear(588, 3)), nn.Conv2d(3, 2, 3)):
        with pytest.raises(UnsupportedError, match="no chain of two blocks"):
            shapes(model, IMAGES)


@pytest.mark.parametrize("norm", ["batch_fixed", "batch", "batch_exact", "sample", "frozen"])
def test_gain_of_a_block_by_its_explicit_jacobian(norm):
    model = ResNet().double()
    with features(model, IMAGES.double(), norm) as (found, axis):
        gain = gains(found, axis, signs_from_seed())
        before, after = found[2], found[3]  # 7 x 7 to 4 x 4
        generator = torch.Generator().manual_seed(torch.initial_seed())
        for feature in found[1:4]:
            bits = torch.randint(2, feature.shape, generator=generator)
        signs = 2.0 * bits - 1
        (gradient,) = torch.autograd.grad(after, before, signs.double(), retain_graph=True)
    product = torch.zeros(4 * 4, 6, dtype=torch.float64)
    for i in range(3):
        for row in range(4):
            for column in range(4):
                given = torch.zeros(4, 2, 2, dtype=torch.float64)
                part = gradient[i, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                given[:, : part.shape[1], : part.shape[2]] = part
                product += torch.outer(given.flatten(), signs[i, :, row, column].double())
    assert float(gain[2]) == pytest.approx(float(torch.linalg.svdvals(product / 48)[0]), rel=1e-9)


def test_identities_dead_blocks_and_cut_ones():
    class Same(nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.inner, self.factor = nn.Conv2d(4, 4, 1), factor

        def forward(self, x):
            if self.factor is None:
                return torch.ones_like(x)
            return x * self.factor

    model = nn.Sequential(nn.Conv2d(3, 4, 1), Same(1.0), Same(0.0), Same(None), nn.Flatten())
    gain = collect(model, Batch(IMAGES), Probe(), ["block_gains"]).tensor("block_gains")
    assert math.isnan(gain[0])
    assert gain[1:].tolist() == [0, 0]


def test_blocks_that_enlarge_a_map_have_no_gain():
    grow = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Upsample(scale_factor=2))
    model = nn.Sequential(nn.Conv2d(3, 3, 3), *grow, nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))
    assert len(collect(model, Batch(IMAGES), Probe(), ["block_spectra"]).tensors("block_spectra"))
    with pytest.raises(UnsupportedError, match="keep or divide"):
        collect(model, Batch(IMAGES), Probe(), ["block_gains"])


def test_what_is_no_number_is_said():
    model = ResNet()
    with torch.no_grad():
        model.stage1[1].conv.weight.fill_(math.inf)
    with pytest.raises(UndefinedScore, match="NaN or infinite"):
        collect(model, Batch(IMAGES), Probe(norm="frozen"), ["block_spectra"])


def test_the_network_is_left_as_it_was_and_both_statistics_come_from_one_pass():
    model = ResNet()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    calls = []
    handle = model.register_forward_hook(lambda *_: calls.append(1))
    stats = collect(model, Batch(IMAGES), Probe(), ["block_spectra", "block_gains"])
    handle.remove()
    assert len(calls) == 2  # the other is of two samples
    assert len(stats.tensors("block_spectra")) == len(stats.tensor("block_gains")) + 1
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
