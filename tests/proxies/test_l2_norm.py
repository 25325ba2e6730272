from dataclasses import replace

import pytest
from tests.engine import oracles
from tests.proxies.build import build, random_measured

from gradalign.proxies.l2_norm import l2_norm


def naive_l2_norm(weights):
    return sum(sum(float(x) ** 2 for x in w) ** 0.5 for w in weights)


def test_l2_norm_by_hand():
    measured = random_measured(1, sizes=(2, 2, 2, 2))
    vectors = [[3.0, 4.0], [0.0, 0.0], [-5.0, 12.0], [0.0, -1.0]]
    weights = tuple(measured.weights[0].new_tensor(v) for v in vectors)
    assert l2_norm(build(replace(measured, weights=weights))) == pytest.approx(5 + 0 + 13 + 1)


@pytest.mark.parametrize("n", [1, 3])
def test_l2_norm_equals_a_naive_loop(n):
    measured = random_measured(n, seed=n)
    assert l2_norm(build(measured)) == pytest.approx(naive_l2_norm(measured.weights))


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_authors_value(net):
    oracles.agrees(net, "l2_norm", "l2_norm", oracles.images(16))
