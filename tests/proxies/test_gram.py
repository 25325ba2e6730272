import numpy as np
import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, from_gradients, random_measured

import gradalign as ga
from gradalign.errors import UndefinedScore
from gradalign.proxies.gram import gram_cond, gram_trace

MODES = {"sample": "single", "frozen": "eval", "batch_exact": "batch"}


def test_by_hand():
    # K = [[5, 4], [4, 5]]: eigenvalues 9 and 1.
    stats = from_gradients([[2, 1], [1, 2]])
    assert gram_cond(stats) == pytest.approx(9)
    assert gram_trace(stats) == pytest.approx(10)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_equal_naive_computations(n):
    measured = random_measured(n, seed=n)
    rows = torch.cat(measured.gradients, 1).numpy()
    singular = np.linalg.svd(rows, compute_uv=False)[:n]
    assert gram_cond(build(measured)) == pytest.approx((singular[0] / singular[-1]) ** 2)
    assert gram_trace(build(measured)) == pytest.approx(sum(float(g @ g) for g in rows))


def test_what_single_precision_cannot_tell_from_singular_counts_as_such():
    with pytest.raises(UndefinedScore, match="rank 1 of 2"):
        gram_cond(from_gradients([[1, 0], [1, 1e-4]]))
    assert gram_cond(from_gradients([[1, 0], [1, 1e-2]])) == pytest.approx(4e4, rel=1e-3)


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize("norm", MODES)
def test_reference_values(net, norm):
    for entry, proxy in (("gram_trace", "gram_trace"), ("knas_gram_mean", "knas")):
        batch = oracles.images(16)
        entry = f"{entry}@{MODES[norm]}"
        oracles.agrees(net, entry, proxy, batch, regime="shared", norm=norm)


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize("norm", MODES)
def test_condition_of_the_reference_kernel(net, norm):
    expected = float(torch.linalg.cond(oracles.gram(f"{net}/{MODES[norm]}_total")))
    found = ga.score(oracles.network(net), oracles.images(16), proxies=["gram_cond"], norm=norm)
    assert found["gram_cond"].value == pytest.approx(expected, rel=1e-8)
