"""The full-class kernel against Jacobians by ordinary autograd."""

import pytest
import torch
from tests.engine.test_oracles import with_batch_statistics
from tests.nets import CASES
from torch import Tensor, nn

import gradalign as ga
from gradalign.engine import collect
from gradalign.engine.collectors import logit_jacobian_gram as module
from gradalign.errors import UnsupportedError
from gradalign.probe import Probe

NAME = "logit_jacobian_gram"


def made(name: str) -> tuple[nn.Module, ga.Batch]:
    return CASES[name].make(), ga.Batch(*CASES[name].batch())


def found(net: nn.Module, batch: ga.Batch, norm: str, **options: object) -> Tensor:
    return collect(net, batch, Probe(norm=norm), [NAME], **options).tensor(NAME)


def jacobian_gram(net: nn.Module, outputs: Tensor) -> Tensor:
    """From one backward for each entry of outputs, [n, C], output by output."""
    weights = [p for name, p in net.named_parameters() if p.dim() > 1 and "norm" not in name]
    rows = []
    for output in outputs.T.flatten():
        gradients = torch.autograd.grad(output, weights, retain_graph=True, allow_unused=True)
        pairs = zip(gradients, weights, strict=True)
        rows.append(
            torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])
        )
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.T


SMALL = [
    pytest.param(256, 1 << 28, id="one pass"),
    pytest.param(10, 1 << 28, id="outputs in pairs"),
    pytest.param(256, 16 * 20**2, id="block by block"),
]


@pytest.mark.parametrize(("rows", "byte_budget"), SMALL)
@pytest.mark.parametrize("name", ["residual", "used_twice", "windows", "hugging_face_conv1d"])
def test_eval_mode(name, rows, byte_budget, monkeypatch):
    monkeypatch.setattr(module, "ROWS", rows)
    net, batch = made(name)
    expected = jacobian_gram(net.eval(), net(batch.inputs))
    kernel = found(*made(name), "frozen", byte_budget=byte_budget)
    torch.testing.assert_close(kernel, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("rows", "byte_budget"), SMALL)
def test_statistics_of_the_batch_held_constant(rows, byte_budget, monkeypatch):
    monkeypatch.setattr(module, "ROWS", rows)
    net, batch = made("residual")
    frozen = with_batch_statistics(net, batch.inputs).eval()
    expected = jacobian_gram(frozen, frozen(batch.inputs))
    kernel = found(net, batch, "batch_fixed", byte_budget=byte_budget)
    torch.testing.assert_close(kernel, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("byte_budget", [1 << 28, 8 * 20**2])
def test_gradients_through_the_statistics_of_the_batch(byte_budget):
    net, batch = made("residual")
    expected = jacobian_gram(net.train(), net(batch.inputs))
    kernel = found(*made("residual"), "batch_exact", byte_budget=byte_budget)
    torch.testing.assert_close(kernel, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("norm", ["batch_fixed", "sample", "frozen", "identity", "batch_exact"])
def test_sums_over_outputs_are_the_kernel_of_the_sum(norm):
    net, batch = made("residual")
    n = len(batch)
    kernel = found(net, batch, norm).unflatten(0, (-1, n)).unflatten(2, (-1, n))
    stats = collect(net, batch, Probe(norm=norm, objective="logit_sum"), ["gram"])
    torch.testing.assert_close(kernel.sum((0, 2)), stats.gram.sum(0), rtol=1e-9, atol=1e-12)


def test_private_copies_are_refused():
    with pytest.raises(UnsupportedError, match="no Jacobian of single outputs"):
        found(*made("residual"), "batch")


def test_too_many_outputs_are_refused():
    with pytest.raises(UnsupportedError, match="take fewer samples"):
        found(*made("residual"), "frozen", byte_budget=8 * 20**2 - 1)


def test_an_output_that_is_no_tensor_is_refused():
    case = CASES["two_outputs"]
    with pytest.raises(UnsupportedError, match="no sum of outputs"):
        found(case.make(), ga.Batch(*case.batch()), "frozen", loss_fn=case.loss_fn)
