from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.proxies.build import build, from_gradients, random_measured
from torch import nn

import gradalign as ga
from gradalign.errors import UndefinedScore
from gradalign.proxies.lga import lga


def labelled(stats, labels):
    return replace(stats, values={**stats.values, "labels": torch.tensor(labels)})


def naive_lga(rows, labels):
    n = len(rows)
    kernel = [[float(a @ b) for b in rows] for a in rows]
    target = [[1.0 if a == b else -1.0 for b in labels] for a in labels]

    def centred(matrix):
        matrix = np.array(matrix)
        total = matrix.mean()
        rows, columns = matrix.mean(1), matrix.mean(0)
        return [[matrix[i, j] - rows[i] - columns[j] + total for j in range(n)] for i in range(n)]

    k, t = centred(kernel), centred(target)
    inner = sum(k[i][j] * t[i][j] for i in range(n) for j in range(n))
    norms = [sum(x**2 for row in m for x in row) ** 0.5 for m in (k, t)]
    return inner / (norms[0] * norms[1])


def test_lga_by_hand():
    # Gradients 1, -1 of two samples: K = [[1, -1], [-1, 1]] is centred as it is, and so is L.
    stats = from_gradients([[1, 0], [-1, 0]])
    assert lga(labelled(stats, [0, 1])) == pytest.approx(1)


def test_gradients_that_are_the_classes_align_fully_and_crossed_ones_negatively():
    # Two classes of two, one direction each; then one direction for a sample of either class.
    rows = [[1, 0], [1, 0], [0, 1], [0, 1]]
    assert lga(labelled(from_gradients(rows), [0, 0, 1, 1])) == pytest.approx(1)
    # K_c = v v' / 2 with v = (1, 1, -1, -1), L_c = u u' with u = (1, -1, 1, -1): <u, v> = 0.
    assert lga(labelled(from_gradients(rows), [0, 1, 0, 1])) == pytest.approx(0)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_lga_equals_a_naive_computation(n):
    measured = random_measured(n, seed=n)
    labels = [i % 3 for i in range(n)]
    rows = torch.cat(measured.gradients, 1)
    assert lga(labelled(build(measured), labels)) == pytest.approx(naive_lga(rows, labels))


@pytest.mark.parametrize(
    ("rows", "labels", "reason"),
    [
        ([[1, 2], [3, 4], [0, 1]], [1, 1, 1], "one class"),
        ([[1, 2]], [0], "one class"),
        ([[1, 2], [1, 2], [1, 2]], [0, 1, 0], "constant"),
        ([[3e4, 1], [3e4, 1 + 5e-8], [3e4, 1 + 1e-7]], [0, 1, 0], "constant"),  # rounding
        ([[0, 0], [0, 0]], [0, 1], "zero"),
    ],
)
def test_undefined(rows, labels, reason):
    with pytest.raises(UndefinedScore, match=reason):
        lga(labelled(from_gradients(rows), labels))


def test_targets_that_are_no_classes_are_unsupported():
    batch = torch.randn(3, 4).double(), torch.randn(3, 2).double()
    found = ga.score(nn.Linear(4, 2).double(), batch, proxies=["lga", "ntk_trace"])
    assert found["lga"].status == "unsupported"
    assert found["ntk_trace"].status == "ok"
