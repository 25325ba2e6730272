import math

import pytest
import torch
from tests.proxies.build import FILTERS, build, from_gradients, random_measured

from gradalign.proxies.gradalign_i import (
    gradalign_i,
    gradalign_i_filter,
    gradalign_i_layer,
    gradalign_i_mean,
    gradalign_i_network,
)


def naive_agreement(gradients):
    """One count a sample."""
    n = gradients[0].shape[0]
    counts = [0] * n
    for g in gradients:
        for k in range(g.shape[1]):
            mean = sum(float(g[i, k]) for i in range(n)) / n
            for i in range(n):
                counts[i] += float(g[i, k]) * mean > 0
    return counts


def naive_alignment(gradients):
    """Sum over blocks of size times mean cosine with the mean; every block one matrix [n, p]."""
    total = 0.0
    for g in gradients:
        mean = g.mean(0)
        cosines = []
        for row in g:
            scale = float(row.norm() * mean.norm())
            cosines.append(float(row @ mean) / scale if scale > 0 else 0.0)
        total += g.shape[1] * sum(cosines) / len(cosines)
    return total


def filters_of(gradients):
    return [rows for g in gradients for rows in g.unflatten(1, (FILTERS, -1)).unbind(1)]


def whole(gradients):
    return [torch.cat(gradients, dim=1)]


GRANULARITIES = [
    pytest.param(gradalign_i_filter, filters_of, id="filter"),
    pytest.param(gradalign_i_layer, list, id="layer"),
    pytest.param(gradalign_i_network, whole, id="network"),
]


def test_gradalign_i_by_hand():
    # mean: (1, -1, 0, 2/3). Weight 0: samples 0, 1 agree. Weight 1: samples 0, 2 agree (sample 1
    # has 0). Weight 2: the mean is 0, nobody. Weight 3: samples 0, 2 agree. m = (3, 1, 2).
    stats = from_gradients([[2, -2, 1, 1], [2, 0, -1, -1], [-1, -1, 0, 2]])
    estimate = gradalign_i(stats)
    assert estimate.value == 2
    assert estimate.stderr == pytest.approx(1 / math.sqrt(3))  # sd of (3, 1, 2) is 1
    mean = gradalign_i_mean(stats)
    assert mean.value == 0.5  # of 4 weights
    assert mean.stderr == pytest.approx(1 / math.sqrt(3) / 4)


def test_gradalign_i_counts_dead_blocks_in_the_size_only():
    live = [[1.0, 1.0], [1.0, -1.0]]
    dead = [[0.0] * 6, [0.0] * 6]
    # Weight 0: both agree. Weight 1: the mean is 0. m = (1, 1).
    assert gradalign_i(from_gradients(live, dead)).value == 1
    assert gradalign_i_mean(from_gradients(live, dead)).value == 1 / 8


def test_gradalign_i_layer_by_hand():
    # Block 0: g = (3, 0), (0, 4): mean (1.5, 2), norm 2.5; cosines 1.5 / 2.5 and 2 / 2.5: mean 0.7.
    # Block 1: g = (1, 1, 1, 1) and 0: the mean is parallel to the first: cosines 1 and 0: mean 0.5.
    stats = from_gradients([[3, 0], [0, 4]], [[1, 1, 1, 1], [0, 0, 0, 0]])
    assert gradalign_i_layer(stats).value == pytest.approx(2 * 0.7 + 4 * 0.5)


def test_gradalign_i_filter_by_hand():
    # Two filters of one weight: cosines are signs. Mean (1, 0): filter 0 agrees twice, mean 1;
    # filter 1 has a zero mean, 0.
    stats = from_gradients([[1, 1], [1, -1]])
    assert gradalign_i_filter(stats).value == pytest.approx(1.0)


def test_gradalign_i_network_by_hand():
    # g = (3, 0 | 0, 0) and (0, 0 | 4, 0): mean (1.5, 0, 2, 0): cosines 0.6 and 0.8, times P = 4.
    stats = from_gradients([[3, 0], [0, 0]], [[0, 0], [4, 0]])
    assert gradalign_i_network(stats).value == pytest.approx(4 * 0.7)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_gradalign_i_equals_naive_count(n):
    measured = random_measured(n, seed=n)
    counts = naive_agreement(measured.gradients)
    estimate = gradalign_i(build(measured))
    assert estimate.value == pytest.approx(sum(counts) / n)
    if n > 1:
        assert estimate.stderr == pytest.approx(torch.tensor(counts).double().std() / math.sqrt(n))


@pytest.mark.parametrize("n", [2, 5])
def test_gradalign_i_equals_closed_form_from_sign_sums(n):
    gradients = whole(random_measured(n, seed=n).gradients)[0]
    non_zero = (gradients != 0).sum(0)
    closed = (non_zero + gradients.mean(0).sign() * gradients.sign().sum(0)) / (2 * n)
    estimate = gradalign_i(build(random_measured(n, seed=n)))
    assert estimate.value == pytest.approx(closed[gradients.mean(0) != 0].sum())


@pytest.mark.parametrize(("proxy", "blocks"), GRANULARITIES)
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_alignment_equals_naive_cosines(proxy, blocks, n):
    measured = random_measured(n, seed=n)
    assert proxy(build(measured)).value == pytest.approx(
        naive_alignment(blocks(measured.gradients))
    )


@pytest.mark.parametrize(("proxy", "blocks"), GRANULARITIES)
@pytest.mark.parametrize("n", [2, 3, 7])
def test_alignment_standard_error_equals_recomputation(proxy, blocks, n):
    measured = random_measured(n, seed=n)
    left_out = [proxy(build(measured.without(i))).value for i in range(n)]
    centre = sum(left_out) / n
    expected = math.sqrt((n - 1) / n * sum((x - centre) ** 2 for x in left_out))
    assert proxy(build(measured)).stderr == pytest.approx(expected, rel=1e-9)


def test_identical_samples_agree_everywhere():
    measured = random_measured(4).take([2, 2, 2])
    stats = build(measured)
    live = sum(int((g[0] != 0).sum()) for g in measured.gradients)
    assert gradalign_i(stats).value == live
    assert gradalign_i(stats).stderr == 0
    assert gradalign_i_network(stats).value == pytest.approx(float(stats.sizes.sum()))


def test_opposite_samples_agree_nowhere():
    stats = from_gradients([[1, 2], [-1, -2]])
    for proxy in (gradalign_i, gradalign_i_filter, gradalign_i_layer, gradalign_i_network):
        assert proxy(stats).value == 0
