"""The count by published conventions, by hand on networks of one or two layers."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from gradalign.spaces._base import Task
from gradalign.spaces._flops import Convention, count_flops

NOTHING = Convention(multiply_add=0)


def count(build: Callable[[], nn.Module], convention: Convention, *size: int) -> float:
    task = Task(name="any", input_size=size, num_classes=1)
    return count_flops(build, task, convention)


@pytest.mark.parametrize(
    ("build", "size", "convention", "flops"),
    [
        # outputs x inputs that each reads
        (lambda: nn.Conv2d(3, 8, 3, padding=1, bias=False), (3, 6, 5), Convention(),
         (8 * 6 * 5) * (3 * 9)),
        (lambda: nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), (4, 6, 6), Convention(),
         (8 * 3 * 3) * (2 * 9)),
        (lambda: nn.Conv2d(3, 8, 1), (3, 6, 5), Convention(conv_bias=1), (8 * 6 * 5) * (3 + 1)),
        (lambda: nn.Conv2d(3, 8, 1, bias=False), (3, 6, 5), Convention(conv_bias=1),
         (8 * 6 * 5) * 3),
        (lambda: nn.Linear(7, 5), (7,), Convention(), 35),
        (lambda: nn.Linear(7, 5), (7,), Convention(multiply_add=2, linear_bias=1), 75),
        (lambda: nn.Linear(7, 5, bias=False), (7,), Convention(linear_bias=1), 35),
        (lambda: nn.Linear(7, 5), (7,), Convention(conv_bias=1, norm=1, relu=1, pool=1), 35),
        (lambda: nn.BatchNorm2d(4), (4, 3, 2), Convention(norm=2), 48),
        (lambda: nn.ReLU(), (4, 3, 2), Convention(relu=1), 24),
        (lambda: nn.ReLU6(), (4, 3, 2), Convention(relu=0.5), 12),
        # windows x outputs, whatever overlaps
        (lambda: nn.AvgPool2d(3, stride=1, padding=1), (4, 6, 5), Convention(pool=1), 9 * 4 * 30),
        (lambda: nn.MaxPool2d((2, 3)), (4, 6, 6), Convention(pool=1), 6 * 4 * 3 * 2),
        (lambda: nn.AdaptiveAvgPool2d(1), (4, 6, 5), Convention(pool=1), 4 * 6 * 5),
        (lambda: nn.AdaptiveAvgPool2d(1), (4, 6, 5), Convention(pool=1, adaptive_margin=1),
         4 * 7 * 6),
        (lambda: nn.AdaptiveAvgPool2d(2), (4, 6, 8), Convention(pool=1, adaptive_margin=1),
         4 * 4 * (4 * 5)),
        (lambda: nn.AdaptiveAvgPool2d(1), (4, 6, 5), Convention(adaptive_margin=1), 0),
        (lambda: nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.BatchNorm2d(8)), (3, 6, 5),
         NOTHING, 0),
    ],
)  # fmt: skip
def test_one_layer_by_hand(build, size, convention, flops):
    assert count(build, convention, *size) == flops


def test_layers_add_up_and_a_layer_used_twice_counts_twice():
    def build():
        shared = nn.Conv2d(4, 4, 1, bias=False)
        return nn.Sequential(shared, nn.BatchNorm2d(4), nn.ReLU(), shared)

    convention = Convention(norm=2, relu=1)
    assert count(build, convention, 4, 3, 3) == 2 * (36 * 4) + 2 * 36 + 36


def test_nothing_is_computed():
    built = []

    def build():
        built.append(nn.Linear(10**6, 10**6))  # 4 TB, were it real
        return built[0]

    assert count(build, Convention(), 10**6) == 10**12
    assert built[0].weight.is_meta
    assert torch.empty(1).device.type == "cpu"
