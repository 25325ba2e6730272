import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies.zico import zico, zico_four, zico_meco, zico_per_sample


def naive_zico(rows_of_blocks):
    """Sum of logs from explicit rows, [rows, p_b] a block, by NumPy."""
    total = 0.0
    for rows in rows_of_blocks:
        rows = np.asarray(rows)
        block = 0.0
        for k in range(rows.shape[1]):
            std = np.std(rows[:, k])
            if std != 0:
                block += np.mean(np.abs(rows[:, k])) / std
        if block != 0:
            total += math.log(block)
    return total


def test_zico_by_hand():
    # Means of the losses' gradients, block 0: (4, 2) / 2 = (2, 1) and (9, 3) / 3 = (3, 1): weight 0
    # has mean 2.5 and std 0.5; weight 1 does not vary and drops. Block 1: (1, -1) and (-1, 1): mean
    # 1, std 1, twice. log 5 + log 2.
    first = from_gradients([[1, 2], [3, 0]], [[1, -1], [1, -1]])
    second = from_gradients([[9, 1], [0, 1], [0, 1]], [[-1, 1], [-1, 1], [-1, 1]])
    assert zico(first=first, second=second) == pytest.approx(math.log(5) + math.log(2))


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 5), (6, 6)])
def test_zico_equals_naive_loop(n, m):
    first, second = random_measured(n, seed=1), random_measured(m, seed=2)
    rows = [
        torch.stack([a.mean(0), b.mean(0)]).numpy()
        for a, b in zip(first.gradients, second.gradients, strict=True)
    ]
    assert zico(first=build(first), second=build(second)) == pytest.approx(naive_zico(rows))


def test_zico_four_by_hand():
    # Weight 0: 1, 1, 3, 3: mean 2, std 1. Weight 1 does not vary and drops. Block 1: -1, 1, -1, 1:
    # mean of absolute values 1, std 1. log 2 + log 1.
    rows = [(1, 5, -1), (1, 5, 1), (3, 5, -1), (3, 5, 1)]
    passes = [from_gradients([[a, b], [a, b]], [[c, 0], [c, 0]]) for a, b, c in rows]
    names = [f"part_{k}" for k in range(4)]
    assert zico_four(**dict(zip(names, passes, strict=True))) == pytest.approx(math.log(2))


def test_zico_four_equals_naive_loop():
    batches = [random_measured(3 + k, seed=k) for k in range(4)]
    rows = [
        torch.stack([g.mean(0) for g in of_block]).numpy()
        for of_block in zip(*(batch.gradients for batch in batches), strict=True)
    ]
    passes = {f"part_{k}": build(batch) for k, batch in enumerate(batches)}
    assert zico_four(**passes) == pytest.approx(naive_zico(rows))


def test_zico_meco_by_hand():
    # Means of the losses' gradients: weight 0 has 2 and -3: (2 + 1) / 3; weight 1 has 1 and 2:
    # (1 + 3) / 2. Block 1: the second batch has no gradient: dropped.
    first = from_gradients([[1, 0], [3, 2]], [[1, 2], [1, 2]])
    second = from_gradients([[-3, 2]], [[0, 0]])
    assert zico_meco(first=first, second=second) == pytest.approx(math.log(1 + 2))


def test_zico_meco_equals_naive_loop():
    first, second = random_measured(4, seed=1), random_measured(5, seed=2)
    rows = [
        torch.stack([a.mean(0), a.mean(0) + b.mean(0)]).numpy()
        for a, b in zip(first.gradients, second.gradients, strict=True)
    ]
    assert zico_meco(first=build(first), second=build(second)) == pytest.approx(naive_zico(rows))


def test_zico_meco_without_a_second_gradient_is_undefined():
    first, second = random_measured(4), random_measured(4).scaled(0.0)
    with pytest.raises(UndefinedScore, match="between the batches"):
        zico_meco(first=build(first), second=build(second))


def test_zico_is_symmetric_in_its_batches():
    first, second = build(random_measured(4, seed=1)), build(random_measured(4, seed=2))
    assert zico(first=first, second=second) == zico(first=second, second=first)


def test_zico_of_equal_batches_is_undefined():
    stats = build(random_measured(4))
    with pytest.raises(UndefinedScore, match="between the batches"):
        zico(first=stats, second=stats)


def test_zico_keeps_what_is_not_finite():
    first, second = random_measured(3, seed=1), random_measured(3, seed=2)
    broken = first.gradients[0].clone()
    broken[0, 0] = float("nan")
    first = replace(first, gradients=(broken, *first.gradients[1:]))
    assert math.isnan(zico(first=build(first), second=build(second)))


def test_zico_per_sample_by_hand():
    # Weight 0: mean |g| 2, std 1. Weight 1 does not vary. Block 1: mean |g| 1, std 1, and 0.
    stats = from_gradients([[1, 2], [3, 2]], [[1, 0], [-1, 0]])
    assert zico_per_sample(stats) == pytest.approx(math.log(2) + math.log(1))


@pytest.mark.parametrize("n", [2, 3, 8])
def test_zico_per_sample_equals_naive_loop(n):
    measured = random_measured(n, seed=n)
    assert zico_per_sample(build(measured)) == pytest.approx(
        naive_zico([g.numpy() for g in measured.gradients])
    )


def test_zico_per_sample_of_identical_samples_is_undefined():
    # 0.1 + 0.1 + 0.1 is not 3 * 0.1: the variance is rounding noise, and has to count as 0.
    with pytest.raises(UndefinedScore, match="between the samples"):
        zico_per_sample(from_gradients([[0.1, 0.7]] * 3))


@pytest.mark.data
@pytest.mark.parametrize(
    ("entry", "proxy", "count"),
    [
        ("zico", "zico", 64),
        ("zico_aznas", "zico", 64),
        ("zico_8", "zico", 16),
        ("zico_4x16", "zico_four", 64),
        ("zico_meco", "zico_meco", 64),
    ],
)
@pytest.mark.parametrize("network", oracles.NETWORKS)
def test_equal_to_published_code(network, entry, proxy, count):
    oracles.agrees(network, entry, proxy, oracles.images(count))
