import math

import pytest
import torch
from tests.proxies.build import build, naive_entropy, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies import PROXIES
from gradalign.proxies.feature_entropy import feature_entropy
from gradalign.statistics import Layer, Statistics


def naive_feature_entropy(measured):
    inputs = measured.inputs[:-1]
    return sum(map(naive_entropy, inputs)) / len(inputs)


def with_inputs(*spectra, live=True):
    layers = tuple(Layer("layer", 1, live, torch.tensor(s), 9) for s in spectra)
    return Statistics(n=3, blocks=(), values={"layers": layers})


def test_feature_entropy_by_hand():
    # Even spectrum: 1. One direction: 0. p = 1/2, 1/4, 1/4 of 3 channels: 1.5 log 2 / log 3.
    stats = with_inputs([1.0, 1.0], [2.0, 0.0], [2.0, 1.0, 1.0], [1.0, 1.0])
    assert feature_entropy(stats) == pytest.approx((1 + 0 + 1.5 * math.log(2) / math.log(3)) / 3)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_feature_entropy_equals_naive_spectra(n):
    measured = random_measured(n, seed=n)
    assert feature_entropy(build(measured)) == pytest.approx(naive_feature_entropy(measured))


def test_features_of_dead_layers_count():
    assert feature_entropy(with_inputs([1.0, 1.0], [1.0, 1.0], live=False)) == pytest.approx(1)


def test_only_the_last_layer_is_no_layer():
    with pytest.raises(UndefinedScore) as raised:
        feature_entropy(with_inputs([1.0, 1.0]))
    assert raised.value.status == "no_gradient"


def test_features_say_something_without_a_gradient():
    assert not PROXIES["feature_entropy"].needs_gradient
