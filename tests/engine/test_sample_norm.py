"""The per-sample kernel against torch's own batch norm on batches of one."""

import pytest
import torch
from torch import nn

from gradalign.engine import _norm


@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 3, 5, 2), (4, 3, 2, 3, 2)])
@pytest.mark.parametrize(
    "kernel", [_norm.per_sample, _norm.per_sample_vmapped, _norm.per_sample_differentiable]
)
def test_equals_train_mode_on_single_samples(shape: tuple[int, ...], kernel) -> None:
    torch.manual_seed(0)
    norm = {3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[len(shape)](3).double()
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.bias)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    d = torch.randn(shape, dtype=torch.float64)
    expected = torch.cat([norm(row[None]) for row in x])
    (expected_grad,) = torch.autograd.grad(expected, x, d)
    out = kernel(x, 4, norm.weight.detach(), norm.bias.detach(), norm.eps)
    (grad,) = torch.autograd.grad(out, x, d)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(grad, expected_grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kernel", [_norm.per_sample, _norm.per_sample_vmapped])
@pytest.mark.parametrize("where", ["everywhere", "in one channel of one sample"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_gradient_that_is_taken_away_is_exactly_zero(kernel, where, dtype):
    torch.manual_seed(0)
    x = torch.randn(4, 3, 6, 7, dtype=dtype, requires_grad=True)
    out = kernel(x, 4, None, None, 1e-5)
    d = torch.full_like(x, 1e3) if where == "everywhere" else torch.randn_like(x)
    d[2, 1] = 1e3  # the same at every position
    (grad,) = torch.autograd.grad(out, x, d)
    zero = (grad == 0).flatten(2).all(2)
    expected = torch.zeros(4, 3, dtype=torch.bool)
    expected[2, 1] = True
    assert torch.equal(zero, expected | (where == "everywhere"))


def test_a_gradient_that_is_zero_where_it_is_looked_at_first_goes_on():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 7, requires_grad=True)
    d = torch.randn_like(x)
    d.flatten(2)[:, :, : _norm.POSITIONS] = 0
    ours, theirs = (
        torch.autograd.grad(kernel(x, 2, None, None, 1e-5), x, d)[0]
        for kernel in (_norm.per_sample, _norm.per_sample_differentiable)
    )
    torch.testing.assert_close(ours, theirs)


def test_several_rows_of_a_sample_share_their_statistics() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(3).double()
    x = torch.randn(8, 3, dtype=torch.float64)  # two samples of four rows
    expected = torch.cat([norm(part) for part in x.split(4)])
    torch.testing.assert_close(_norm.per_sample(x, 2, norm.weight, norm.bias, norm.eps), expected)


def test_fixed_is_batch_norm_without_the_gradient_through_the_statistics() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 3, 5, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(3, dtype=torch.float64, requires_grad=True)
    bias = torch.rand(3, dtype=torch.float64, requires_grad=True)
    d = torch.randn(4, 3, 5, 5, dtype=torch.float64)
    mean, variance = _norm.batch_moments(x.detach())
    expected = nn.functional.batch_norm(x, mean, variance, weight, bias, training=False)
    out = _norm.fixed(x, weight, bias, 1e-5)
    torch.testing.assert_close(out, expected)
    for ours, theirs in zip(
        torch.autograd.grad(out, (x, weight, bias), d),
        torch.autograd.grad(expected, (x, weight, bias), d),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)
