"""The reference itself, against central differences and ordinary training-mode passes."""

import copy

import pytest
import torch
import torch.nn.functional as F
from tests.nets import CASES, NORMS, Case
from tests.reference import batch_moments, block_parameters, call, forward, measure, plain

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")
NETS = ("residual", "windows", "instance_norm")
STEP = 1e-5


def differences(case: Case, norm: str, i: int, name: str, entry: int) -> tuple[float, float]:
    """d / d w_entry of what `norm` differentiates for sample i, and the two losses' rounding."""
    batch = case.batch()
    base = plain(case.make())
    n = len(batch[1])
    moments = batch_moments(base, batch[0]) if norm == "batch_fixed" else None
    values = []
    for step in (STEP, -STEP):
        copies = [copy.deepcopy(base) for _ in range(n)]
        moved = copies if norm == "batch_exact" else [copies[i]]
        for model in moved:
            block_parameters(model)[name].data.flatten()[entry] += step
        losses, _ = forward(copies, batch, norm, case.loss_fn, moments)
        values.append(float(losses.detach().sum() if norm == "batch" else losses.detach()[i]))
    return (values[0] - values[1]) / (2 * STEP), abs(values[0])


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", NETS)
def test_central_differences(name, norm):
    case = CASES[name]
    reference = measure(case.make(), case.batch(), norm)
    generator = torch.Generator().manual_seed(0)
    for block, gradient in reference.gradients.items():
        largest = float(gradient.abs().max())
        for i in (0, 3):
            entry = int(torch.randint(gradient[0].numel(), (), generator=generator))
            found, size = differences(case, norm, i, block, entry)
            expected = float(gradient[i].flatten()[entry])
            # second-order error STEP^2, rounding of the loss over STEP
            assert found == pytest.approx(expected, abs=1e-6 * largest + 1e-9 * size), (block, i)


@pytest.mark.parametrize("name", ["batch_norm", "residual", "conv3d", "functional_batch_norm"])
def test_batch_modes_sum_to_the_ordinary_batch_gradient(name):
    case = CASES[name]
    inputs, targets = case.batch()
    model = case.make().train()
    loss = F.cross_entropy(call(model, inputs), targets, reduction="sum")
    loss.backward()
    for norm in ("batch", "batch_exact"):
        reference = measure(case.make(), (inputs, targets), norm)
        for block, gradient in reference.gradients.items():
            expected = model.get_parameter(block).grad
            torch.testing.assert_close(gradient.sum(0), expected, rtol=1e-10, atol=1e-12)


def test_batch_and_batch_exact_differ():
    case = CASES["batch_norm"]
    own = measure(case.make(), case.batch(), "batch").gradients["body.0.weight"]
    exact = measure(case.make(), case.batch(), "batch_exact").gradients["body.0.weight"]
    assert float((own - exact).norm() / exact.norm()) > 1e-2


@pytest.mark.parametrize("name", ["batch_norm", "conv3d", "windows"])
def test_sample_is_a_loop_over_batches_of_one_in_train_mode(name):
    case = CASES[name]
    inputs, targets = case.batch()
    reference = measure(case.make(), (inputs, targets), "sample")
    for i in range(len(targets)):
        model = case.make().train()
        F.cross_entropy(call(model, inputs[i : i + 1]), targets[i : i + 1]).backward()
        for block, gradient in reference.gradients.items():
            expected = model.get_parameter(block).grad
            torch.testing.assert_close(gradient[i], expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", ["batch_norm", "instance_norm", "batch_norm_after_flatten"])
def test_batch_fixed_is_frozen_with_the_statistics_of_the_batch(name):
    case = CASES[name]
    model = case.make()
    moments = batch_moments(plain(model), case.batch()[0])
    layers = [m for m in model.modules() if getattr(m, "running_mean", None) is not None]
    assert len(layers) == len(moments)
    for layer, (mean, variance) in zip(layers, moments, strict=True):
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
    frozen = measure(model, case.batch(), "frozen")
    fixed = measure(case.make(), case.batch(), "batch_fixed")
    for block, gradient in fixed.gradients.items():
        torch.testing.assert_close(frozen.gradients[block], gradient, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_case_runs_and_is_small(case):
    model = case.make()
    assert sum(p.numel() for p in model.parameters()) < 1500
    before = {k: v.clone() for k, v in model.state_dict().items()}
    reference = measure(model, case.batch(), case.norms[0], case.loss_fn)
    assert reference.gradients
    assert any(float(g.abs().max()) > 0 for g in reference.gradients.values())
    after = model.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    again = case.make().state_dict()
    assert all(torch.equal(before[k], again[k]) for k in before)
