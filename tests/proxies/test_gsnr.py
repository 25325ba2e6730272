import numpy as np
import pytest
from tests.engine import oracles
from tests.proxies.build import build, from_gradients, random_measured

import gradalign as ga
from gradalign.errors import UndefinedScore
from gradalign.proxies.gsnr import gsnr, xi_gsnr


def naive_gsnr(gradients):
    total = 0.0
    for block in (gradient.numpy() for gradient in gradients):
        if block.var(0).any():
            total += sum(column.mean() ** 2 / (column.var() + 1e-8) for column in block.T)
    return total


def test_gsnr_by_hand():
    # Weight 0: mean 2, variance 1. Weight 1: mean 0, variance 4. Weight 2: mean 1, variance 0.
    stats = from_gradients([[1, 2, 1, 0], [3, -2, 1, 0]])
    assert gsnr(stats) == pytest.approx(4 / (1 + 1e-8) + 0 + 1e8)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_gsnr_equals_naive_ratios(n):
    measured = random_measured(n, seed=n)
    assert gsnr(build(measured)) == pytest.approx(naive_gsnr(measured.gradients))


def test_gsnr_leaves_a_block_without_variance_out():
    stats = from_gradients([[1, 2], [3, -2]], [[5, 1], [5, 1]])
    assert gsnr(stats) == pytest.approx(4 / (1 + 1e-8))


@pytest.mark.parametrize(
    "gradients", [[[1, 2]], [[1, 2], [1, 2]], [[0, 0], [0, 0]]], ids=["one", "equal", "dead"]
)
def test_gsnr_of_samples_without_variance_is_undefined(gradients):
    with pytest.raises(UndefinedScore, match="varies between the samples"):
        gsnr(from_gradients(gradients))


def test_gsnr_of_one_sample_on_a_network_says_why(net, batch):
    found = ga.score(net, (batch[0][:1], batch[1][:1]), proxies=["gsnr"])["gsnr"]
    assert found.value is None
    assert "varies between the samples" in found.reason


def passes_of(batches):
    return {f"part_{k}": build(batch) for k, batch in enumerate(batches)}


def naive_xi_gsnr(batches):
    total = 0.0
    for block in range(len(batches[0].gradients)):
        means = [batch.gradients[block].mean(0).numpy() for batch in batches]
        sums = np.array([np.sum(means[: k + 1], axis=0) for k in range(len(means))])
        if sums.var(0).any():
            total += sum(column.mean() ** 2 / (column.var() + 1e-8) for column in sums.T)
    return total


def test_xi_gsnr_by_hand():
    # Two samples with gradients 1 and 3: their mean is 2, the sums are 2, 4, ..., 16: mean 9,
    # variance 4 * 63 / 12 = 21. The second weight is 0, the second block dead.
    batch = from_gradients([[1, 0], [3, 0]], [[0, 0], [0, 0]])
    score = xi_gsnr(**{f"part_{k}": batch for k in range(8)})
    assert score == pytest.approx(81 / (21 + 1e-8))


def test_xi_gsnr_equals_naive_ratios():
    batches = [random_measured(2 + k % 3, seed=k) for k in range(8)]
    assert xi_gsnr(**passes_of(batches)) == pytest.approx(naive_xi_gsnr(batches))


def test_xi_gsnr_of_gradients_so_small_that_the_constant_counts():
    # As by hand above with gradients 1e-4 of it: mean 9e-4, variance 21e-8.
    batch = from_gradients([[1e-4, 0], [3e-4, 0]])
    score = xi_gsnr(**{f"part_{k}": batch for k in range(8)})
    assert score == pytest.approx(81e-8 / (21e-8 + 1e-8))


def test_xi_gsnr_leaves_a_block_without_variance_out():
    # Only the first batch reaches block 1: its sums are the same eight times.
    first = from_gradients([[1, 0]], [[1, 1]])
    later = from_gradients([[1, 0]], [[0, 0]])
    score = xi_gsnr(part_0=first, **{f"part_{k}": later for k in range(1, 8)})
    assert score == pytest.approx(4.5**2 / (63 / 12 + 1e-8))


def test_xi_gsnr_of_a_dead_network_is_undefined():
    with pytest.raises(UndefinedScore, match="no gradient") as caught:
        xi_gsnr(**passes_of([random_measured(3).scaled(0.0)] * 8))
    assert caught.value.status == "no_gradient"


@pytest.mark.data
@pytest.mark.parametrize("network", oracles.NETWORKS)
def test_xi_gsnr_equals_the_authors_code(network):
    oracles.agrees(network, "xi_gsnr_8batches", "xi_gsnr", oracles.batches("gsnr_batches"))
