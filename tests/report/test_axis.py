"""The axis of accuracy."""

import math
from itertools import pairwise

import pytest

from gradalign.report import AccuracyAxis
from gradalign.report.axis import APART


def axis(*values, percent=True):
    return AccuracyAxis(label="CIFAR-10", values=values, percent=percent)


def test_good_and_bad_networks_together_are_drawn_by_their_error():
    found = axis(10.0, None, 94.4)
    assert found.of_errors
    assert found.layout["type"] == "log"
    assert found.layout["autorange"] == "reversed"
    assert found.layout["title"]["text"] == "CIFAR-10 (%), log of error"
    assert [100 - tick for tick in found.layout["tickvals"]] == [
        float(text) for text in found.layout["ticktext"]
    ]


@pytest.mark.parametrize(
    ("values", "percent"),
    [
        ((92.0, 93.5), True),  # close to each other: nothing to spread
        ((10.0, 94.0), False),  # no percentages: there is no error
        ((10.0, 100.0), True),  # no error has no logarithm
        ((-3.0, 99.0), True),
        ((None, None), True),
        ((), True),
    ],
)
def test_other_accuracies_are_drawn_as_they_are(values, percent):
    found = axis(*values, percent=percent)
    assert not found.of_errors
    assert found.layout["title"]["text"] == ("CIFAR-10 (%)" if percent else "CIFAR-10")
    assert "tickvals" not in found.layout


@pytest.mark.parametrize("ends", [(10, 94.4), (1, 99.95), (80, 96.5), (40, 93), (0, 67)])
def test_labels_lie_within_the_values_and_apart(ends):
    low, high = ends
    places = [math.log(tick) for tick in axis(low, high).layout["tickvals"]]
    assert len(places) >= 3
    span = math.log(100 - low) - math.log(100 - high)
    assert all(b - a >= APART * span for a, b in pairwise(places))
    assert math.log(100 - high) <= places[0]
    assert places[-1] <= math.log(100 - low)


def test_a_long_label_is_cut_where_there_is_little_room():
    found = AccuracyAxis(label="ImageNet16-120_val_accuracy", values=[1.0], percent=True)
    assert found.layout["title"]["text"] == "ImageNet16-120_… (%)"
