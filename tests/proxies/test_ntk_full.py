from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.proxies.build import build, random_measured
from torch import nn

import gradalign as ga
from gradalign.errors import UndefinedScore
from gradalign.proxies.ntk_full import ntk_cond_full, ntk_trace_full


def of_kernel(kernel):
    stats = build(random_measured(2))
    return replace(stats, values={**stats.values, "logit_jacobian_gram": kernel})


def test_by_hand():
    # K = [[5, 3], [3, 5]] has the eigenvalues 8 and 2.
    stats = of_kernel(torch.tensor([[5.0, 3.0], [3.0, 5.0]], dtype=torch.float64))
    assert ntk_cond_full(stats) == pytest.approx(4)
    assert ntk_trace_full(stats) == pytest.approx(10)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_equal_naive_computations(n):
    measured = random_measured(n, seed=n)
    rows = [torch.cat(measured.gradients, 1), torch.cat([g.flip(1) for g in measured.gradients], 1)]
    jacobian = torch.cat(rows).numpy()
    singular = np.linalg.svd(jacobian, compute_uv=False)[: 2 * n]
    assert ntk_cond_full(build(measured)) == pytest.approx((singular[0] / singular[-1]) ** 2)
    trace = sum(float(row @ row) for row in jacobian)
    assert ntk_trace_full(build(measured)) == pytest.approx(trace)


def test_of_a_linear_model_by_hand():
    # z_ic = <w_c, x_i>: K is X X' once for each output, and so is its condition number.
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    batch = x, torch.tensor([0, 1, 2, 0])
    names = ["ntk_cond_full", "ntk_trace_full", "ntk_cond", "ntk_trace"]
    found = ga.score(nn.Linear(6, 3).double(), batch, proxies=names)
    condition = float(torch.linalg.cond(x @ x.T))
    assert found["ntk_cond_full"].value == pytest.approx(condition)
    assert found["ntk_cond"].value == pytest.approx(condition)
    assert found["ntk_trace_full"].value == pytest.approx(3 * float(x.square().sum()))
    # The gradient of the sum of outputs is x_i in every row.
    assert found["ntk_trace"].value == pytest.approx(3 * float(x.square().sum()))


def test_fewer_weights_than_outputs_make_the_kernel_singular():
    x = torch.randn(4, 2, dtype=torch.float64)  # 4 samples in 2 dimensions
    batch = x, torch.tensor([0, 1, 1, 0])
    found = ga.score(nn.Linear(2, 2).double(), batch, proxies=["ntk_cond_full"])["ntk_cond_full"]
    assert found.status == "inf"
    assert "rank 4 of 8" in found.reason


def test_a_zero_kernel_has_no_gradient():
    with pytest.raises(UndefinedScore) as caught:
        ntk_cond_full(of_kernel(torch.zeros(4, 4, dtype=torch.float64)))
    assert caught.value.status == "no_gradient"
