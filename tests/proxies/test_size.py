from dataclasses import replace

from tests.proxies.build import build, random_measured

from gradalign.proxies.size import flops, layers, live_layers, macs, params
from gradalign.statistics import Block


def test_sizes_by_hand():
    # A convolution 3 -> 8, 3x3, on 4x4 outputs: 216 weights, 216 * 16 multiply-adds; 8 biases; and
    # a dead linear layer 8 -> 2 without bias.
    blocks = (Block("conv", (8, 3, 3, 3), macs=3456), Block("fc", (2, 8), macs=16))
    stats = build(random_measured(2, sizes=(4, 6, 4, 4)))
    values = {**stats.values, "params": 216 + 8 + 16, "macs": 3456 + 16}
    stats = replace(stats, blocks=blocks, values=values)
    assert params(stats) == 240
    assert macs(stats) == 3472
    assert flops(stats) == 6944
    assert layers(stats) == 2


def test_naive_live_layers():
    measured = random_measured(3)
    stats = build(measured)
    live = sum(any(bool(row.any()) for row in g) for g in measured.gradients)
    assert live == 3  # the second of four blocks is dead
    assert live_layers(stats) == live
    assert layers(stats) == 4


def test_sizes_are_floats_even_where_huge():
    stats = build(random_measured(2))
    stats = replace(stats, values={**stats.values, "macs": 10**15})
    assert isinstance(macs(stats), float)
    assert flops(stats) == 2e15
