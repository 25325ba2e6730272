import math

import numpy as np
import pytest
import torch
from tests.engine import oracles

from gradalign.errors import UndefinedScore
from gradalign.proxies.epe_nas import epe_nas
from gradalign.statistics import Statistics

ROWS = [[2.0, 0.0, 1.0], [5.0, 6.0, 4.0], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0]]
"""Correlations: -1/2 between the first two, 1 between the last two."""


def of(rows, labels, classes=10):
    gradient = torch.as_tensor(rows, dtype=torch.float64)
    values = {
        "input_gradient": gradient,
        "labels": torch.as_tensor(labels),
        "logits": torch.zeros(len(gradient), classes),
    }
    return epe_nas(Statistics(n=len(gradient), blocks=(), values=values))


def naive(rows, labels, classes):
    """Class by class, entry by entry."""
    scores = []
    for label in sorted(set(labels)):
        of_class = [row for row, own in zip(rows, labels, strict=True) if own == label]
        total = 0.0
        for a in of_class:
            for b in of_class:
                total += math.log(abs(np.corrcoef(a, b)[0, 1]) + 1e-5)
        if classes <= 100:
            scores.append(total)
        elif len(of_class) > 1:
            scores.append(total / len(of_class))
    if classes <= 100:
        return sum(abs(s) for s in scores)
    return sum(abs(s - t) for s in scores for t in scores) / len(scores)


def test_by_hand():
    one = math.log(1 + 1e-5)
    within = 2 * one + 2 * math.log(0.5 + 1e-5)
    assert of(ROWS, [7, 7, 1, 1]) == pytest.approx(abs(within) + 4 * one)


def test_by_hand_with_many_classes():
    one = math.log(1 + 1e-5)
    within = (2 * one + 2 * math.log(0.5 + 1e-5)) / 2
    # Two pairs, one a class order, over two classes.
    assert of(ROWS, [7, 7, 1, 1], 101) == pytest.approx(2 * abs(within - 2 * one) / 2)


def test_a_class_of_one_sample_adds_almost_nothing():
    assert of(ROWS[:1], [3]) == pytest.approx(math.log(1 + 1e-5))


@pytest.mark.parametrize("classes", [100, 101])
def test_equals_naive_loop(classes):
    generator = np.random.default_rng(0)
    rows, labels = generator.normal(size=(12, 7)), [0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 9, 9]
    assert of(rows, labels, classes) == pytest.approx(naive(rows, labels, classes))


@pytest.mark.parametrize(
    ("rows", "labels", "classes", "reason"),
    [
        ([[1, 1], [1, 2]], [0, 0], 10, "does not vary"),
        (ROWS, [0, 1, 2, 3], 101, "no class has two samples"),
    ],
)
def test_no_value(rows, labels, classes, reason):
    with pytest.raises(UndefinedScore, match=reason):
        of(rows, labels, classes)


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_authors_values(net):
    oracles.agrees(net, "epe_nas", "epe_nas", oracles.images(64))
