import math
from dataclasses import replace

import pytest
import torch
from tests.proxies.build import build, naive_entropy, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies import PROXIES
from gradalign.proxies.gradalign_plus import gradalign_plus, gradalign_plus_ablation
from gradalign.statistics import Layer, Statistics

EVEN = torch.tensor([1.0, 1.0])
ONE = torch.tensor([3.0, 0.0])
SKEW = torch.tensor([3.0, 1.0])  # p = 3/4, 1/4
H_SKEW = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(2)


def with_layers(*layers):
    return Statistics(n=4, blocks=(), values={"layers": layers})


def layer(macs, spectrum_in, spectrum_out, *, rows=9, live=True):
    return Layer("layer", macs, live, spectrum_in, rows, spectrum_out, rows)


def naive_gradalign_plus(measured, macs):
    total = 0.0
    for x, d, work in list(zip(measured.inputs, measured.outputs, macs, strict=True))[:-1]:
        total += work**0.25 * (naive_entropy(x) * naive_entropy(d)) ** 2
    return total


def test_gradalign_plus_by_hand():
    # macs 16 and 81: fourth roots 2 and 3. The last layer is left out.
    stats = with_layers(layer(16, EVEN, EVEN), layer(81, SKEW, EVEN), layer(10**4, EVEN, EVEN))
    assert gradalign_plus(stats) == pytest.approx(2 + 3 * H_SKEW**2)


def test_gradalign_plus_ablation_by_hand():
    dead = layer(625, EVEN, torch.zeros(2), live=False)
    stats = with_layers(layer(16, ONE, EVEN), dead, layer(81, EVEN, EVEN), layer(10**4, EVEN, EVEN))
    assert gradalign_plus_ablation(stats) == pytest.approx(2 + 3)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_gradalign_plus_equals_naive_spectra(n):
    measured = random_measured(n, seed=n)
    stats = build(measured)
    macs = [entry.macs for entry in stats.layers]
    assert gradalign_plus(stats) == pytest.approx(naive_gradalign_plus(measured, macs))


@pytest.mark.parametrize("n", [2, 8])
def test_ablation_is_the_upper_bound_that_full_diversity_reaches(n):
    stats = build(random_measured(n, seed=n))
    assert gradalign_plus(stats) <= gradalign_plus_ablation(stats)
    full = with_layers(layer(16, EVEN, EVEN), layer(16, EVEN, EVEN), layer(16, EVEN, EVEN))
    assert gradalign_plus(full) == pytest.approx(gradalign_plus_ablation(full))


@pytest.mark.parametrize("spectrum", [torch.zeros(2), ONE, torch.tensor([3.0, -1e-9])])
def test_a_layer_with_one_direction_or_none_adds_nothing(spectrum):
    head = layer(1, EVEN, EVEN)
    assert gradalign_plus(with_layers(layer(16, spectrum, EVEN), head)) == 0
    assert gradalign_plus(with_layers(layer(16, EVEN, spectrum), head)) == 0


def test_rank_is_limited_by_rows_and_entropy_clipped():
    # Three even channels from 3 rows: rank 2, log 3 / log 2 > 1, clipped. From 9 rows: rank 3.
    three = torch.ones(3)
    head = layer(1, EVEN, EVEN)
    assert gradalign_plus(with_layers(layer(16, three, EVEN, rows=3), head)) == 2
    two_of_three = torch.tensor([1.0, 1.0, 0.0])
    narrow = with_layers(layer(16, two_of_three, EVEN, rows=3), head)
    wide = with_layers(layer(16, two_of_three, EVEN, rows=9), head)
    assert gradalign_plus(narrow) == pytest.approx(2)
    assert gradalign_plus(wide) == pytest.approx(2 * (math.log(2) / math.log(3)) ** 2)


@pytest.mark.parametrize("rows", [1, 2])
def test_one_channel_or_one_row_is_no_diversity(rows):
    single = torch.tensor([5.0])
    stats = with_layers(layer(16, single, single, rows=rows), layer(1, EVEN, EVEN))
    assert gradalign_plus(stats) == 0


@pytest.mark.parametrize("name", ["gradalign_plus", "gradalign_plus_ablation"])
@pytest.mark.parametrize("count", [0, 1])
def test_no_layer_before_the_last_is_no_gradient(name, count):
    with pytest.raises(UndefinedScore) as raised:
        PROXIES[name].function(with_layers(*[layer(16, EVEN, EVEN)] * count))
    assert raised.value.status == "no_gradient"


def test_ablation_has_no_value_where_gradalign_plus_has_none():
    assert PROXIES["gradalign_plus"].needs_gradient
    assert PROXIES["gradalign_plus_ablation"].needs_gradient


def test_float32_spectra_are_summed_in_double_precision():
    stats = build(random_measured(6))
    single = tuple(
        replace(
            entry,
            input_spectrum=entry.input_spectrum.float(),
            output_spectrum=entry.output_spectrum.float(),
        )
        for entry in stats.layers
    )
    assert gradalign_plus(with_layers(*single)) == pytest.approx(gradalign_plus(stats), rel=1e-6)
