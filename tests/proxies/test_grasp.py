from dataclasses import replace

import pytest
import torch
from tests.proxies.build import build, random_measured

from gradalign.proxies.grasp import grasp


def naive_grasp(weights, products, n):
    return -sum(
        float(w) * float(h) / n**2
        for weight, product in zip(weights, products, strict=True)
        for w, h in zip(weight.flatten(), product.flatten(), strict=True)
    )


def with_values(n, weights, products):
    stats = build(random_measured(n))
    values = {**stats.values, "weights": weights, "hessian_gradient": products}
    return replace(stats, values=values)


def test_grasp_by_hand():
    # w = (1, 2 | 3) and H g = (4, -1 | 2) of the sum over 2 samples: -(4 - 2 + 6) / 4.
    weights = (torch.tensor([1.0, 2.0]), torch.tensor([3.0]))
    products = (torch.tensor([4.0, -1.0]), torch.tensor([2.0]))
    assert grasp(with_values(2, weights, products)) == -2.0


@pytest.mark.parametrize("n", [1, 3])
def test_grasp_equals_naive_products(n):
    stats = build(random_measured(n, seed=n))
    assert grasp(stats) == pytest.approx(
        naive_grasp(stats.weights, stats.tensors("hessian_gradient"), n)
    )


@pytest.mark.parametrize("n", [1, 4])
def test_grasp_of_a_linear_model_with_squared_loss(n):
    """The mean loss has g = 2/n X'(Xw - y) and H = 2/n X'X; autograd gives both for the sum."""
    generator = torch.Generator().manual_seed(n)
    x = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(n, generator=generator, dtype=torch.float64)
    w = torch.randn(3, generator=generator, dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad((x @ w - y).square().sum(), w, create_graph=True)
    (product,) = torch.autograd.grad(g, w, g.detach())
    mean_g = 2 / n * x.T @ (x @ w.detach() - y)
    expected = -w.detach() @ (2 / n * x.T @ x @ mean_g)
    stats = with_values(n, (w.detach(),), (product,))
    assert grasp(stats) == pytest.approx(float(expected))
