"""The training loop against its formula, and what it reports."""

import math

import pytest
import torch
from torch import nn

from gradalign.batch import Batch
from gradalign.errors import InputError
from gradalign.training import Recipe, train


def two_clouds(n=64, seed=0):
    """Points around (2, 2) and (-2, -2): any linear classifier can learn them."""
    torch.manual_seed(seed)
    targets = torch.arange(n) % 2
    centres = torch.tensor([[2.0, 2.0], [-2.0, -2.0]])
    return Batch(centres[targets] + 0.3 * torch.randn(n, 2), targets)


def linear(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(2, 2)


def test_what_can_be_learned_is_learned():
    found = train(linear(), two_clouds(), two_clouds(seed=1), Recipe(epochs=3), seed=0)
    assert found.test_accuracy == found.train_accuracy == 100
    assert found.step_losses[-1] < found.step_losses[0]
    assert len(found.step_losses) == Recipe(epochs=3).steps(64) == 6
    assert not found.diverged


def test_the_first_step_is_that_of_nesterov_with_weight_decay():
    batch, model = two_clouds(16), linear()
    recipe = Recipe(epochs=1, batch_size=16, learning_rate=0.05, momentum=0.8, weight_decay=0.01)
    before = model.weight.detach().clone()
    loss = nn.functional.cross_entropy(model(batch.inputs), batch.targets)
    (gradient,) = torch.autograd.grad(loss, model.weight)
    found = train(model, batch, batch, recipe, seed=0)
    expected = before - 0.05 * (1 + 0.8) * (gradient + 0.01 * before)
    torch.testing.assert_close(model.weight.detach(), expected)
    assert found.step_losses == (pytest.approx(loss.item(), rel=1e-6),)


def test_the_seed_orders_the_samples():
    def losses(seed):
        return train(linear(), two_clouds(), two_clouds(), Recipe(epochs=1), seed=seed).step_losses

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)


def test_only_counted_samples_are_reported():
    batch = two_clouds()
    wrong = torch.arange(64) >= 48
    mixed = Batch(batch.inputs, torch.where(wrong, 1 - batch.targets, batch.targets))
    recipe = Recipe(epochs=4)
    found = train(linear(), mixed, batch, recipe, seed=0, counted=~wrong)
    everything = train(linear(), mixed, batch, recipe, seed=0)
    assert found.train_accuracy == 100
    assert everything.train_accuracy == 75
    assert found.step_losses[-1] < everything.step_losses[-1]
    assert found.test_accuracy == everything.test_accuracy


def test_a_training_that_diverges_ends_and_says_so():
    model = linear()
    found = train(model, two_clouds(), two_clouds(), Recipe(learning_rate=1e38), seed=0)
    assert found.diverged
    assert found.test_loss is None
    assert all(math.isfinite(loss) for loss in found.step_losses)
    assert len(found.step_losses) < Recipe().steps(64)


def test_it_is_told_after_each_epoch():
    told = []
    train(linear(), two_clouds(), two_clouds(), Recipe(epochs=3), seed=0, after_epoch=told.append)
    assert told == [0, 1, 2, 3]


def test_a_last_step_of_one_sample_is_left_out():
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    found = train(model, two_clouds(33), two_clouds(), Recipe(epochs=2), seed=0)
    assert len(found.step_losses) == 2
    assert not found.diverged


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}])
def test_no_training(wrong):
    with pytest.raises(InputError, match="all three must be above 0"):
        Recipe(**wrong)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"learning_rate": math.inf}, "the rate must be finite"),
        ({"momentum": 1.0}, "the momentum at least 0 and below 1"),
        ({"momentum": -0.1}, "the momentum at least 0 and below 1"),
        ({"momentum": math.nan}, "the momentum at least 0 and below 1"),
        ({"weight_decay": -1.0}, "weight decay -1: it must be 0 or more"),
        ({"weight_decay": math.inf}, "weight decay inf: it must be 0 or more"),
    ],
)
def test_numbers_that_are_no_training(wrong, told):
    with pytest.raises(InputError, match=told):
        Recipe(**wrong)
