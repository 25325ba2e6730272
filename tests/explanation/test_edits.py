"""Changes of a network: which there are, how they are named, and that nothing else changes."""

from collections import Counter

import pytest
import torch
from tests.small import make_net
from torch import nn

from gradalign.batch import Batch
from gradalign.candidate import Candidate
from gradalign.data import InputSpec
from gradalign.errors import InputError
from gradalign.explanation.edits import Edit, changed, drawn, edits_of, named
from gradalign.models import as_candidate, resolve
from gradalign.spaces import SPACES

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
SMALL = {"channels": 4, "cells": 1}


def images(n=4, shape=(3, 8, 8), classes=3):
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.randn(n, *shape, generator=generator), torch.arange(n) % classes)


def names(edits):
    return [edit.name for edit in edits]


def of(edits, decision):
    return [edit.name for edit in edits if edit.decision == decision]


def test_neighbours_of_a_cell_are_named_by_the_edge_and_both_operations():
    candidate = resolve(f"nb201:{CELL}", build=SMALL)
    edits = edits_of(candidate, images(shape=(3, 32, 32)), build=SMALL)
    assert "3<-0: none -> skip_connect" in names(edits)
    assert of(edits, "3<-2") == [
        f"3<-2: nor_conv_1x1 -> {other}"
        for other in ("none", "skip_connect", "nor_conv_3x3", "avg_pool_3x3")
    ]
    skip = next(edit for edit in edits if edit.name == "3<-0: none -> skip_connect")
    assert skip.candidate.arch == CELL.replace("none~0|none~1", "skip_connect~0|none~1")
    assert sum(p.numel() for p in skip.candidate.build(0).parameters()) == sum(
        p.numel() for p in candidate.build(0).parameters()
    )  # of the same width and depth: what it is built with stays


def test_options_of_a_space_are_doubled_and_halved():
    edits = edits_of(resolve(f"nb201:{CELL}", build=SMALL), images(shape=(3, 32, 32)), build=SMALL)
    assert of(edits, "channels") == ["channels: 4 -> 8", "channels: 4 -> 2"]
    assert of(edits, "cells") == ["cells: 1 -> 2"]
    wide = next(edit for edit in edits if edit.name == "channels: 4 -> 8")
    assert wide.candidate.build(0).get_parameter("stem.0.weight").shape[0] == 8
    assert wide.candidate.name.endswith("with channels=8")


def test_a_neighbour_with_the_same_network_is_no_change():
    space = SPACES["nb201"]
    arch = space.parse("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    same = [
        other
        for other in space.neighbours(arch)
        if space.network_key(other) == space.network_key(arch)
    ]
    candidate = resolve(f"nb201:{space.format(arch)}", build=SMALL)
    edits = edits_of(candidate, images(shape=(3, 32, 32)), build=SMALL)
    archs = {edit.candidate.arch for edit in edits}
    assert same
    assert not archs & set(map(space.format, same))
    assert len(archs - {None, candidate.arch}) == len(space.neighbours(arch)) - len(same)


def test_a_change_of_many_decisions_names_three_and_counts_the_others():
    own = {"depth": 2, "a": 1, "b": 0.5, "c": "x", "same": 7}
    other = {"depth": 3, "a": 2, "b": 0.25, "c": "y", "same": 7, "d": None}
    found = changed(own, other)
    assert named(found) == "depth: 2 -> 3, a: 1 -> 2, b: 0.5 -> 0.25 and 2 more"
    assert found[-1] == ("d", "absent", "None")


def test_what_only_one_of_both_decides_comes_last():
    assert named(changed({"depth": 2, "w0": 8, "w1": 16}, {"w0": 8, "depth": 1})) == (
        "depth: 2 -> 1, w1: 16 -> absent"
    )


def test_where_no_suggestions_make_an_architecture_its_spelling_stands(monkeypatch):
    space = SPACES["mlp"]

    def refuse(_arch):
        raise InputError("none")

    monkeypatch.setattr(space, "decisions", refuse)
    edits = edits_of(resolve("mlp:8-16"), images(shape=(3, 16, 16)))
    assert "architecture -> 8-32" in names(edits)
    assert {edit.decision for edit in edits} == {"architecture"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(
        "from torch import nn\n"
        "def build(trial):\n"
        "    depth = trial.suggest_int('depth', 1, 3)\n"
        "    act = trial.suggest_categorical('act', ['ReLU', 'GELU'])\n"
        "    sizes = [12, *(trial.suggest_int(f'width{k}', 8, 40, step=8) for k in range(depth))]\n"
        "    layers = [nn.Flatten()]\n"
        "    for a, b in zip(sizes, sizes[1:]):\n"
        "        layers += [nn.Linear(a, b), getattr(nn, act)()]\n"
        "    return nn.Sequential(*layers, nn.Linear(sizes[-1], 3))\n"
    )
    return path


def test_decisions_of_a_function_of_a_trial_are_changed_one_at_a_time(file):
    text = f'{file}:build{{"act": "ReLU", "depth": 2, "width0": 16, "width1": 40}}'
    edits = edits_of(resolve(text, num_classes=3), images(shape=(3, 2, 2)))
    assert of(edits, "depth") == [
        "depth: 2 -> 1, width1: 40 -> absent",
        "depth: 2 -> 3, width2: absent -> 40",
    ]
    assert of(edits, "act") == ["act: ReLU -> GELU"]
    assert of(edits, "width0") == ["width0: 16 -> 8", "width0: 16 -> 24"]
    deep = next(edit for edit in edits if edit.name.startswith("depth: 2 -> 3"))
    layers = [m for m in deep.candidate.build(0) if isinstance(m, nn.Linear)]
    assert [layer.out_features for layer in layers] == [16, 40, 40, 3]
    assert deep.candidate.spec.num_classes == 3


def test_batch_norm_is_exchanged_in_a_copy_that_keeps_all_other_weights():
    net = make_net(width=8)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    edits = edits_of(as_candidate(net), images(shape=(3, 6, 6)))
    assert names(edits) == [
        "normalisation: BatchNorm -> GroupNorm",
        "normalisation: BatchNorm -> GroupNorm(1)",
        "normalisation: BatchNorm -> none",
    ]
    first, second, third = (edit.candidate.build(7) for edit in edits)
    assert isinstance(first[1], nn.GroupNorm)
    assert [first[1].num_groups, second[1].num_groups] == [2, 1]
    assert isinstance(third[1], nn.Identity)
    for other in (first, second, third):
        for place in (0, 3, 6):
            assert torch.equal(other[place].weight, net[place].weight)
            assert other[place].weight is not net[place].weight
    assert all(torch.equal(net.state_dict()[name], value) for name, value in before.items())
    assert isinstance(net[1], nn.BatchNorm2d)
    assert [edit.candidate.redrawn for edit in edits] == [False] * 3


def test_a_factory_is_initialised_with_the_same_seed_before_and_after():
    candidate = as_candidate(lambda: make_net(width=8))
    edit = edits_of(candidate, images(shape=(3, 6, 6)))[0]
    assert edit.candidate.redrawn
    assert torch.equal(edit.candidate.build(3)[0].weight, candidate.build(3)[0].weight)
    assert not torch.equal(edit.candidate.build(3)[0].weight, candidate.build(4)[0].weight)


def test_weight_and_bias_of_a_layer_stay():
    net = make_net(width=8)
    with torch.no_grad():
        net[1].weight.fill_(0.5)
        net[1].bias.fill_(2.0)
    net[1].weight.requires_grad_(False)
    new = edits_of(as_candidate(net), images(shape=(3, 6, 6)))[0].candidate.build(0)[1]
    assert new.weight.tolist() == [0.5] * 8
    assert new.bias.tolist() == [2.0] * 8
    assert not new.weight.requires_grad


class Shared(nn.Module):
    """One normalisation layer under two names."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 1)
        self.norm = nn.BatchNorm2d(8)
        self.again = self.norm
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        return self.last(self.again(self.norm(self.first(x))).mean((2, 3)))


def test_a_layer_that_is_used_twice_stays_one():
    new = edits_of(as_candidate(Shared()), images())[0].candidate.build(0)
    assert isinstance(new.norm, nn.GroupNorm)
    assert new.norm is new.again


class Derived(nn.BatchNorm2d):
    """Does an activation besides, so that nothing else can stand for it."""

    def forward(self, x):
        return torch.relu(super().forward(x))


class ReadsStatistics(nn.Module):
    """Runs only while its normalisation has running statistics."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.last = nn.Linear(3, 3)

    def forward(self, x):
        return self.last(self.norm(x).mean((2, 3)) + self.norm.running_mean)


@pytest.mark.parametrize(
    "net",
    [
        nn.Sequential(nn.Conv2d(3, 4, 1), Derived(4), nn.Flatten(), nn.Linear(256, 3)),
        ReadsStatistics(),
        nn.Sequential(nn.Flatten(), nn.Linear(192, 3)),
    ],
    ids=["derived", "reads its statistics", "without any"],
)
def test_no_normalisation_is_exchanged_where_that_does_not_run_or_changes_nothing(net):
    assert edits_of(as_candidate(net), images()) == []


def test_of_few_channels_group_norm_is_named_once():
    assert names(edits_of(as_candidate(make_net(width=4)), images(shape=(3, 6, 6)))) == [
        "normalisation: BatchNorm -> GroupNorm(1)",
        "normalisation: BatchNorm -> none",
    ]


class Tokens(nn.Module):
    """A transformer's layer on token ids."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.last = nn.Linear(8, 3)

    def forward(self, input_ids):
        return self.last(self.layer(self.embedding(input_ids)).mean(1))


def test_layer_norm_of_a_token_model_is_exchanged_too():
    batch = Batch({"input_ids": torch.arange(20).reshape(4, 5) % 11}, torch.arange(4) % 3)
    edits = edits_of(as_candidate(Tokens), batch)
    assert names(edits) == [
        "normalisation: LayerNorm -> RMSNorm",
        "normalisation: LayerNorm -> none",
    ]


def test_targets_that_are_no_labels_do_not_matter():
    net = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    batch = Batch(torch.randn(4, 5), torch.randn(4, 7))
    assert len(edits_of(as_candidate(net), batch)) == 3


def made_up(counts):
    candidate = Candidate(name="x", make=lambda _seed: nn.Identity(), spec=InputSpec(num_classes=1))
    return [
        Edit(f"{name}{number}", candidate, name)
        for name, count in counts.items()
        for number in range(count)
    ]


@pytest.mark.parametrize("limit", [0, 1, 2, 5, 9, 12, 20, 50])
def test_a_draw_is_even_over_decisions_and_keeps_the_order(limit):
    edits = made_up({"a": 4, "b": 1, "c": 7, "d": 3})
    found = drawn(edits, limit)
    assert found == drawn(edits, limit)
    assert len(found) == min(limit, 15)
    assert [edits.index(edit) for edit in found] == sorted({edits.index(edit) for edit in found})
    taken = Counter(edit.decision for edit in found)
    sizes = Counter(edit.decision for edit in edits)
    for one in sizes:
        for other in sizes:
            assert taken[one] <= taken[other] + 1 or taken[other] == sizes[other]


def test_of_more_decisions_than_places_the_first_and_the_last_are_drawn():
    found = drawn(made_up(dict.fromkeys("abcdefghi", 2)), 3)
    assert names(found) == ["a0", "e0", "i0"]


def test_of_one_decision_both_ends_are_drawn():
    assert names(drawn(made_up({"a": 7}), 3)) == ["a0", "a3", "a6"]


def test_a_negative_limit_is_refused():
    with pytest.raises(InputError, match="-1 edits: give 0 or more"):
        drawn([], -1)
