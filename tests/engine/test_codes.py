"""Codes of forward passes: packing, samples off axis 0, every norm mode."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import gradalign as ga
from gradalign.engine import collect
from gradalign.engine._codes import CodeProducts, UnitPatterns, codes_matches
from gradalign.engine._gradient import Workspace
from gradalign.errors import UnsupportedError
from gradalign.probe import Probe

NEEDS = ["relu_matches", "relu_patterns", "layer_matches"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.bool])
@pytest.mark.parametrize("n", [1, 15, 16, 17, 64, 65, 130])
def test_patterns_and_matches_are_exact_for_any_number_of_samples(n, dtype):
    generator = torch.Generator().manual_seed(n)
    distinct = torch.randint(0, 2, (n, 50), generator=generator)
    on = distinct[:, torch.randint(0, 50, (3000,), generator=generator)]
    work = Workspace(1 << 12)  # small, so that there are many tiles
    patterns = UnitPatterns(n, work)
    for part in on.split(700, 1):
        patterns.add(part.to(dtype) if dtype == torch.bool else (2 * part - 1).to(dtype))
    assert patterns.count() == len({tuple(unit) for unit in on.T.tolist()})
    exact = on.double()
    expected = exact @ exact.T + (1 - exact) @ (1 - exact).T
    assert torch.equal(codes_matches(CodeProducts(work).of(on.to(dtype)), 3000), expected)


def test_no_unit_has_no_pattern():
    assert UnitPatterns(3, Workspace(1 << 20)).count() == 0


class SequenceFirst(nn.Module):
    """Tokens first, samples second, between its two layers."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.second(F.relu(self.first(x.transpose(0, 1))).transpose(0, 1).mean(1))


class SamplesFirst(SequenceFirst):
    def forward(self, x):
        return self.second(F.relu(self.first(x)).mean(1))


@pytest.mark.parametrize("tokens", [4, 3])  # as many as samples, and not
def test_samples_that_leave_axis_0_are_found_out(tokens):
    torch.manual_seed(0)
    batch = ga.Batch(torch.randn(4, tokens, 6), torch.tensor([0, 1, 0, 1]))
    there, here = SequenceFirst(), SamplesFirst()
    here.load_state_dict(there.state_dict())
    expected, found = (collect(net, batch, Probe(), NEEDS) for net in (here, there))
    for name in NEEDS:
        assert torch.equal(found.tensor(name), expected.tensor(name)), name
    with pytest.raises(UnsupportedError, match="one by one"):
        collect(there, batch, Probe(norm="batch"), NEEDS)


def test_units_on_maps_alone_make_patterns_where_there_are_any():
    torch.manual_seed(0)
    maps = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten())
    both = nn.Sequential(maps, nn.Linear(72, 500), nn.ReLU(), nn.Linear(500, 2))
    batch = ga.Batch(torch.randn(9, 1, 8, 8), torch.zeros(9, dtype=torch.long))
    found = collect(both, batch, Probe(), ["relu_patterns"]).tensor("relu_patterns")
    columns = maps(batch.inputs).flatten(1).gt(0).T
    assert int(found) == len(columns.unique(dim=0))


def test_a_relu_of_no_sample_counts_for_nothing():
    class Positive(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x):
            return F.linear(F.relu(x), F.relu(self.layer.weight))

    batch = ga.Batch(torch.randn(4, 3), torch.tensor([0, 1, 0, 1]))
    found = collect(Positive(), batch, Probe(), ["relu_matches"]).tensor("relu_matches")
    assert float(found[0, 0]) == 3


@pytest.mark.parametrize("norm", ["batch_fixed", "sample", "batch", "batch_exact", "frozen"])
def test_where_all_units_are_reached_the_codes_are_those_of_the_pass(norm):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3),
        nn.ReLU6(), nn.Flatten(), nn.Linear(64, 3),
    ).double()  # fmt: skip
    x = torch.randn(5, 3, 8, 8, dtype=torch.float64)
    batch = ga.Batch(x, torch.tensor([0, 1, 2, 0, 1]))
    needs = ["activation_matches", "relu_matches", "relu_units"]
    found = collect(net, batch, Probe(norm=norm), needs)
    assert torch.equal(found.tensor("relu_matches"), found.activation_matches)
    assert int(found.tensor("relu_units")) == found.activation_units


def test_a_network_that_is_not_finite_has_no_codes():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    nn.init.constant_(net[0].weight, 1e38)
    nn.init.constant_(net[2].weight, 1e38)
    found = ga.score(net, (torch.ones(2, 3), torch.tensor([0, 1])), proxies=["swap"])["swap"]
    assert found.status == "nan"
