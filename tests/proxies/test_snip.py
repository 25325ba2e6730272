import pytest
from tests.engine import oracles
from tests.proxies.build import build, random_measured

from gradalign.proxies.snip import snip
from gradalign.proxies.synflow import synflow


def naive_snip(measured):
    total = 0.0
    for g, w in zip(measured.gradients, measured.weights, strict=True):
        for k in range(g.shape[1]):
            mean = sum(float(g[i, k]) for i in range(measured.n)) / measured.n
            total += abs(float(w[k]) * mean)
    return total


def test_snip_by_hand():
    # w = (2, -3 | 1, 1) and sums of gradients (4, 2 | 0, -6) over 2 samples: (8 + 6 + 0 + 6) / 2.
    measured = random_measured(2, sizes=(2, 2, 2, 2))
    like = measured.gradients[0]
    gradients = [[[1, 2], [3, 0]], [[1, -2], [-1, -4]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]
    weights = [[2, -3], [1, 1], [5, 5], [5, 5]]
    stats = build(
        type(measured)(
            gradients=tuple(like.new_tensor(g) for g in gradients),
            codes=measured.codes,
            inputs=measured.inputs,
            outputs=measured.outputs,
            weights=tuple(like.new_tensor(w) for w in weights),
        )
    )
    assert snip(stats) == pytest.approx(10)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_snip_equals_naive_products(n):
    measured = random_measured(n, seed=n)
    assert snip(build(measured)) == pytest.approx(naive_snip(measured))


def test_snip_is_synflow_of_the_mean_loss():
    stats = build(random_measured(4))
    assert snip(stats) == pytest.approx(synflow(stats) / 4)


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize("entry", ["snip", "snip_naslib"])
def test_authors_values(net, entry):
    oracles.agrees(net, entry, "snip", oracles.images(64))
