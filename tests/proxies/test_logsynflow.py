import math
from dataclasses import replace

import pytest
from tests.engine import oracles
from tests.proxies.build import build, random_measured

import gradalign as ga
from gradalign.errors import UndefinedScore
from gradalign.proxies import PROXIES
from gradalign.proxies.logsynflow import logsynflow


def naive_logsynflow(measured):
    total = 0.0
    for g, w in zip(measured.gradients, measured.weights, strict=True):
        for k in range(g.shape[1]):
            flow = sum(float(g[i, k]) for i in range(measured.n))
            total += abs(float(w[k]) * math.log(flow + 1))
    return total


def test_logsynflow_by_hand():
    # Gradients e - 1 and e^2 - 1 at weights 2 and 3: 2 * 1 + 3 * 2. Everything else is without.
    measured = random_measured(1, sizes=(2, 2, 2, 2))
    like = measured.gradients[0]
    flows = like.new_tensor([[math.e - 1, math.e**2 - 1]])
    measured = replace(
        measured,
        gradients=(flows, *(0 * like for _ in range(3))),
        weights=(like.new_tensor([2.0, 3.0]), *measured.weights[1:]),
    )
    assert logsynflow(build(measured)) == pytest.approx(8)


@pytest.mark.parametrize("n", [1, 3])
def test_logsynflow_equals_a_naive_loop(n):
    measured = random_measured(n, seed=n).absolute()
    assert logsynflow(build(measured)) == pytest.approx(naive_logsynflow(measured))


def test_a_gradient_below_minus_one_has_no_logarithm():
    measured = random_measured(1)
    first = measured.gradients[0].clone()
    first[0, 0] = -1.5
    with pytest.raises(UndefinedScore, match="below -1"):
        logsynflow(build(replace(measured, gradients=(first, *measured.gradients[1:]))))


def test_logsynflow_shares_the_pass_of_synflow():
    assert PROXIES["logsynflow"].probes == PROXIES["synflow"].probes


@pytest.mark.data
def test_authors_value():
    oracles.agrees("cell_cnn", "logsynflow", "logsynflow", oracles.images(16))


@pytest.mark.data
def test_where_the_authors_code_says_nan_there_is_a_reason():
    assert oracles.value("tiny_vit", "logsynflow")[0] == "nan"
    net, batch = oracles.network("tiny_vit"), oracles.images(16)
    found = ga.score(net, batch, proxies=["logsynflow"])["logsynflow"]
    assert found.value is None
    assert found.status == "nan"
    assert "below -1" in found.reason
