"""What is trained: the draw, the images, and what is changed in a network."""

import pytest
import torch
from torch import nn

from gradalign.spaces import get_space
from gradalign.studies.convergence.networks import (
    CHANGES,
    OPTIONS,
    TRAINING,
    build,
    changed,
    digits,
    draw,
    learned,
)


@pytest.mark.parametrize("space", OPTIONS)
def test_a_draw_has_no_network_twice_and_begins_a_longer_one(space):
    own = get_space(space)
    drawn = draw(space, 12, 0)
    assert len({own.network_key(own.parse(arch)) for arch in drawn}) == 12
    assert draw(space, 5, 0) == drawn[:5]
    assert draw(space, 12, 1) != drawn


def test_no_digit_is_learned_and_tested():
    training, test = digits()
    assert (len(training), len(test)) == (TRAINING, 1280)
    both = torch.cat([training.inputs, test.inputs]).flatten(1)
    assert len(both.unique(dim=0)) == len(both)
    assert training.targets.bincount().float().std() < 1


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.name)
def test_every_state_of_a_change_can_be_built(change):
    assert change.baseline in change.levels
    for archs, done in change.levels.values():
        for arch in archs:
            model = changed(build(change.space, arch, 0), done)
            assert model(digits()[0].inputs[:2]).shape == (2, 10)


def test_normalisation_is_taken_out():
    model = changed(build("macro", "11111111", 0), "no_norm")
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def test_weights_are_scaled_and_biases_are_not():
    plain, scaled = build("mlp", "16-16", 0), changed(build("mlp", "16-16", 0), "scale_4")
    for (name, before), after in zip(plain.named_parameters(), scaled.parameters(), strict=True):
        torch.testing.assert_close(after, before * (4 if name.endswith("weight") else 1))


def test_copies_have_the_same_label_or_another_one():
    alike, counted = learned("alike", 0)
    against, _ = learned("contradict", 0)
    half = TRAINING // 2
    torch.testing.assert_close(alike.inputs, against.inputs)
    assert (alike.inputs[half:] - alike.inputs[:half]).std().item() == pytest.approx(0.05, rel=0.05)
    assert torch.equal(alike.targets[half:], alike.targets[:half])
    assert not (against.targets[half:] == against.targets[:half]).any()
    assert torch.equal(against.targets[:half], alike.targets[:half])
    assert int(counted.sum()) == half
    assert bool(counted[:half].all())
    plain, everything = learned("", 0)
    assert everything is None
    assert plain is digits()[0]
