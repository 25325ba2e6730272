from dataclasses import replace

import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.proxies.plain import plain


def naive_plain(measured):
    return sum(
        float(w[k]) * float(g[i, k]) / measured.n
        for g, w in zip(measured.gradients, measured.weights, strict=True)
        for k in range(g.shape[1])
        for i in range(measured.n)
    )


def test_plain_by_hand():
    # All weights 1, sums (4, -6 | 1, 0) over 2 samples.
    assert plain(from_gradients([[1, -2], [3, -4]], [[1, 1], [0, -1]])) == pytest.approx(-0.5)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_plain_equals_naive_products(n):
    measured = random_measured(n, seed=n)
    assert plain(build(measured)) == pytest.approx(naive_plain(measured))


def test_plain_changes_its_sign_with_the_weights():
    measured = random_measured(4)
    negative = replace(measured, weights=tuple(-w for w in measured.weights))
    assert plain(build(negative)) == pytest.approx(-plain(build(measured)))


def test_plain_of_weights_orthogonal_to_the_gradient_is_zero():
    measured = random_measured(3)
    sums = [g.sum(0) for g in measured.gradients]
    pairs = zip(measured.weights, sums, strict=True)
    weights = [w - (w @ s) / (s @ s) * s if s.any() else w for w, s in pairs]
    value = plain(build(replace(measured, weights=tuple(weights))))
    assert value == pytest.approx(0, abs=1e-12)
    assert torch.stack([w.norm() for w in weights]).min() > 0


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize("entry", ["plain", "plain_naslib"])
def test_authors_values(net, entry):
    oracles.agrees(net, entry, "plain", oracles.images(64))
