import math

import pytest
import torch
from tests.proxies.build import build, naive_entropy, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies.gradient_entropy import gradient_entropy
from gradalign.statistics import Layer, Statistics


def naive_gradient_entropy(measured):
    return sum(map(naive_entropy, measured.outputs[:-1]))


def with_outputs(*spectra):
    layers = tuple(
        Layer("layer", 1, True, output_spectrum=torch.tensor(s), output_positions=9)
        for s in spectra
    )
    return Statistics(n=3, blocks=(), values={"layers": layers})


def test_gradient_entropy_by_hand():
    # Even spectrum: 1. Dead: 0. p = 1/2, 1/4, 1/4 of 3 channels: 1.5 log 2 / log 3. Last: left out.
    stats = with_outputs([1.0, 1.0], [0.0, 0.0], [2.0, 1.0, 1.0], [1.0, 1.0])
    assert gradient_entropy(stats) == pytest.approx(1 + 1.5 * math.log(2) / math.log(3))


@pytest.mark.parametrize("n", [2, 3, 8])
def test_gradient_entropy_equals_naive_spectra(n):
    measured = random_measured(n, seed=n)
    assert gradient_entropy(build(measured)) == pytest.approx(naive_gradient_entropy(measured))


def test_only_the_last_layer_is_no_layer():
    with pytest.raises(UndefinedScore) as raised:
        gradient_entropy(with_outputs([1.0, 1.0]))
    assert raised.value.status == "no_gradient"
