import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, from_gradients, random_measured
from torch import nn

import gradalign as ga
from gradalign.engine import collect
from gradalign.errors import UndefinedScore
from gradalign.probe import Probe
from gradalign.proxies import PROXIES
from gradalign.proxies.ntk import ntk_cond, ntk_mean, ntk_stability, ntk_trace


def whole(measured):
    return torch.cat(measured.gradients, 1).numpy()


def test_by_hand():
    # Gradients (2, 0) and (0, 1), of one more block (0, 0) and (0, 0): K = diag(4, 1).
    stats = from_gradients([[2, 0], [0, 1]], [[0, 0], [0, 0]])
    assert ntk_cond(stats) == pytest.approx(4)
    assert ntk_trace(stats) == pytest.approx(5)
    assert ntk_mean(stats).value == pytest.approx(1.25)


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_equal_naive_computations(n):
    measured = random_measured(n, seed=n)
    singular = np.linalg.svd(whole(measured), compute_uv=False)[:n]
    assert ntk_cond(build(measured)) == pytest.approx((singular[0] / singular[-1]) ** 2)
    rows = whole(measured)
    assert ntk_trace(build(measured)) == pytest.approx(sum(float(row @ row) for row in rows))
    mean = sum(float(a @ b) for a in rows for b in rows) / n**2
    assert ntk_mean(build(measured)).value == pytest.approx(mean)


@pytest.mark.parametrize("n", [2, 5])
def test_standard_error_of_the_mean_equals_recomputation(n):
    measured = random_measured(n, seed=n)
    left_out = [ntk_mean(build(measured.without(i))).value for i in range(n)]
    centre = sum(left_out) / n
    expected = math.sqrt((n - 1) / n * sum((x - centre) ** 2 for x in left_out))
    assert ntk_mean(build(measured)).stderr == pytest.approx(expected)


def test_a_singular_kernel_has_no_condition_number():
    repeated = build(random_measured(5).take([0, 3, 3, 1]))
    with pytest.raises(UndefinedScore, match="rank 3 of 4") as caught:
        ntk_cond(repeated)
    assert caught.value.status == "inf"


def test_a_zero_kernel_has_no_gradient():
    with pytest.raises(UndefinedScore) as caught:
        ntk_cond(build(random_measured(4).scaled(0)))
    assert caught.value.status == "no_gradient"


def test_a_kernel_that_is_not_finite_is_no_error():
    stats = build(random_measured(3))
    broken = replace(stats, values={**stats.values, "gram": stats.gram * float("nan")})
    with pytest.raises(UndefinedScore, match="NaN or infinite"):
        ntk_cond(broken)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_stability_equals_a_naive_computation(n):
    one, two = random_measured(n, seed=1), random_measured(n, seed=2)
    spectra = [np.linalg.svd(whole(m), compute_uv=False)[:n] ** 2 for m in (one, two)]
    distance = sum((a - b) ** 2 for a, b in zip(*spectra, strict=True)) ** 0.5
    scale = sum(sum(x**2 for x in spectrum) ** 0.5 for spectrum in spectra)
    found = ntk_stability(first=build(one), second=build(two))
    assert found == pytest.approx(distance / scale)


def test_stability_is_the_least_distance_over_rotations_of_the_samples():
    # Hoffman-Wielandt: no rotation of the second batch brings the kernels closer.
    one, two = (whole(random_measured(4, seed=seed)) for seed in (1, 2))
    kernels = one @ one.T, two @ two.T
    least = ntk_stability(first=from_gradients(one), second=from_gradients(two))
    scale = sum(np.linalg.norm(k) for k in kernels)
    bases = [np.linalg.eigh(k)[1] for k in kernels]
    aligned = bases[0] @ bases[1].T
    rotations = [np.linalg.qr(np.random.default_rng(s).normal(size=(4, 4)))[0] for s in range(20)]
    for rotation in (aligned, np.eye(4), *rotations):
        distance = np.linalg.norm(kernels[0] - rotation @ kernels[1] @ rotation.T) / scale
        assert distance >= least - 1e-12
    closest = np.linalg.norm(kernels[0] - aligned @ kernels[1] @ aligned.T) / scale
    assert closest == pytest.approx(least)


def test_stability_of_a_batch_with_itself_is_zero_and_of_unequal_ones_undefined():
    stats = build(random_measured(4))
    assert ntk_stability(first=stats, second=stats) == 0
    with pytest.raises(UndefinedScore, match="size"):
        ntk_stability(first=stats, second=build(random_measured(3)))


def test_blocks_are_the_parameters_named_weight():
    net = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)).double()
    batch = ga.Batch(torch.randn(3, 3).double(), torch.tensor([0, 1, 1]))
    probe = Probe(**PROXIES["ntk_cond"].probes["stats"])
    stats = collect(net, batch, probe, ["gram"])
    assert [block.name for block in stats.blocks] == ["0.weight", "1.weight", "2.weight"]
    rows = []
    for row in net(batch.inputs):
        weights = [p for name, p in net.named_parameters() if "weight" in name]
        gradients = torch.autograd.grad(row.sum(), weights, retain_graph=True)
        rows.append(torch.cat([g.flatten() for g in gradients]))
    jacobian = torch.stack(rows)
    torch.testing.assert_close(stats.gram.sum(0), jacobian @ jacobian.T, rtol=1e-9, atol=1e-12)


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_authors_value(net):
    oracles.agrees(net, "ntk_cond", "ntk_cond", oracles.images(16))


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_a_port_has_the_same_negated(net):
    value, tolerance = oracles.value(net, "ntk_aznas")
    found = ga.score(
        oracles.network(net), oracles.images(16), proxies=["ntk_cond"], regime="official"
    )
    assert found["ntk_cond"].value == pytest.approx(-value, rel=tolerance)


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize("entry", ["ntk_cond_eval", "ntk_cond_meco"])
def test_authors_values_with_running_statistics(net, entry):
    options = {"regime": "shared", "norm": "frozen"}
    oracles.agrees(net, entry, "ntk_cond", oracles.images(16), **options)


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize(("norm", "mode"), [("batch_exact", "train"), ("frozen", "eval")])
def test_authors_kernel(net, norm, mode):
    kernel = oracles.gram(f"{net}/ntk_{mode}_f64")
    probe = Probe(**{**PROXIES["ntk_cond"].probes["stats"], "norm": norm})
    stats = collect(oracles.network(net), oracles.images(16), probe, ["gram", "squared_norms"])
    torch.testing.assert_close(stats.gram.sum(0), kernel, rtol=1e-9, atol=1e-12)
    assert ntk_trace(stats) == pytest.approx(float(kernel.trace()))
    assert ntk_mean(stats).value == pytest.approx(float(kernel.mean()))
