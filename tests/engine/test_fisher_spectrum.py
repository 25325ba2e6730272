"""The Fisher matrix of one weight a tensor, against explicit derivatives."""

import pytest
import torch
from tests import nets
from torch import nn

from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.engine.collectors import fisher_spectrum as collector
from gradalign.engine.collectors.fisher_spectrum import SMOOTHING, cholesky_of_covariance
from gradalign.errors import UnsupportedError
from gradalign.probe import Probe


def probabilities(logits):
    return logits.softmax(1) * float(1 - SMOOTHING) + float(SMOOTHING / logits.shape[1])


def test_cholesky_factor_of_the_covariance():
    logits = 2 * torch.randn(5, 7, dtype=torch.float64)
    p = probabilities(logits)
    lower = cholesky_of_covariance(logits)
    assert torch.equal(lower, lower.tril())
    covariance = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    # p sums to 1 but for the half precision of the smoothing; the last class makes up for it.
    torch.testing.assert_close(
        (lower @ lower.mT)[:, :-1, :-1], covariance[:, :-1, :-1], rtol=1e-9, atol=1e-12
    )


def naive_spectrum(model, x):
    """One backward for every sample and output, in eval mode."""
    model.eval()
    total = 0
    parameters = list(model.parameters())[:128]
    for sample in x.split(1):
        output = model(sample)
        rows = []
        for each in output[0]:
            found = torch.autograd.grad(each, parameters, retain_graph=True, allow_unused=True)
            rows.append([0.0 if g is None else float(g.flatten()[0]) for g in found])
        factor = cholesky_of_covariance(output.detach())[0] @ torch.tensor(
            rows, dtype=torch.float64
        )
        total = total + factor.T @ factor / len(x)
    return torch.linalg.eigvalsh(total).clamp_min(0)


class WithToken(nn.Module):
    """A parameter that no layer rule knows."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(4))
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(
            (self.norm(self.conv(x)).relu() * self.token[None, :, None, None]).mean((2, 3))
        )


def plain():
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=2)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(4), nn.Linear(4, 3)),
    )


@pytest.mark.parametrize("build", [plain, WithToken])
def test_against_single_backward_passes(build):
    model, x = build().double(), torch.randn(4, 3, 8, 8).double()
    found = collect(model, Batch(x), Probe(norm="frozen"), ["fisher_spectrum"])
    torch.testing.assert_close(
        found.tensor("fisher_spectrum"), naive_spectrum(model, x), rtol=1e-8, atol=1e-14
    )


@pytest.mark.parametrize("norm", ["batch_fixed", "sample", "frozen"])
@pytest.mark.parametrize("name", ["used_twice", "child_weight", "grouped_depthwise", "layer_norm"])
def test_awkward_networks_by_both_ways(name, norm, monkeypatch):
    case = nets.CASES[name]
    if norm in case.refused:
        pytest.skip("this network has no such mode")
    batch = Batch(*case.batch()) if isinstance(case.batch(), tuple) else case.batch()
    measured = []
    for _ in range(2):
        stats = collect(case.make(), batch, Probe(norm=norm), ["fisher_spectrum"])
        measured.append(stats.tensor("fisher_spectrum"))
        monkeypatch.setattr(collector, "_FirstEntries", _refuse)
    torch.testing.assert_close(*measured, rtol=1e-8, atol=1e-14)


def _refuse(_conditions):
    raise UnsupportedError("no rules in this test")


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(12, 1)), "two classes or more"),
        (nn.Conv2d(3, 4, 1), "class probabilities need"),
    ],
)
def test_outputs_that_are_no_logits_are_refused(model, match):
    with pytest.raises(UnsupportedError, match=match):
        collect(model, Batch(torch.randn(2, 3, 2, 2)), Probe(), ["fisher_spectrum"])


def test_too_many_backward_passes_are_refused():
    model = WithToken()
    model.head = nn.Linear(4, 3000)
    with pytest.raises(UnsupportedError, match="6000 backward passes"):
        collect(model, Batch(torch.randn(2, 3, 8, 8)), Probe(), ["fisher_spectrum"])


def test_parameter_tensors_are_counted():
    stats = collect(plain(), Batch(torch.randn(2, 3, 8, 8)), Probe(), ["parameter_tensors"])
    assert float(stats.tensor("parameter_tensors")) == 10
