"""A layer rule that lies is found out."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradalign.batch import Batch
from gradalign.engine import _check, collect, rules
from gradalign.engine.rules._base import Use
from gradalign.engine.rules.linear import Positions
from gradalign.errors import ConservationError
from gradalign.probe import Probe

N = 4


@pytest.fixture(autouse=True)
def _nothing_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_check, "_verified", set())


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, N, 6, dtype=torch.float64, generator=generator)
    return Batch(x, torch.arange(N) % 3)


def with_rule(monkeypatch: pytest.MonkeyPatch, gradient: Callable[[Use], Positions]) -> None:
    wrong = replace(rules.RULES["linear"], gradient=gradient)
    monkeypatch.setitem(rules.RULES._entries, "linear", wrong)


class Tokens(nn.Module):
    """A linear layer on every token, their mean to the classes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(6, 5)
        self.last = nn.Linear(5, 3)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(x)).mean(1))


def test_right_rules_pass(batch: Batch) -> None:
    stats = collect(Tokens(), batch, Probe(), ["gram"], backend="hooks", check="always")
    assert stats.backend == "hooks"


@pytest.mark.parametrize("norm", ["batch_fixed", "sample", "batch", "frozen", "identity"])
def test_wrong_scale_is_found_in_every_mode(
    monkeypatch: pytest.MonkeyPatch, batch: Batch, norm: str
) -> None:
    def wrong(use: Use) -> Positions:
        d, x = use.grad_output.reshape(N, -1, use.grad_output.shape[-1]), use.input
        return Positions(1.01 * d, x.reshape(N, -1, x.shape[-1]))

    with_rule(monkeypatch, wrong)
    with pytest.raises(ConservationError, match=r"'first.weight' is wrong on this model"):
        collect(Tokens(), batch, Probe(norm=norm), ["gram"], backend="hooks")


def test_wrong_axis_for_the_samples_is_found(monkeypatch: pytest.MonkeyPatch, batch: Batch) -> None:
    """With as many tokens as samples the plain sum over samples would be right."""

    def wrong(use: Use) -> Positions:
        if use.input.dim() == 2:
            return Positions(use.grad_output[:, None], use.input[:, None])
        return Positions(use.grad_output.transpose(0, 1), use.input.transpose(0, 1))

    with_rule(monkeypatch, wrong)
    with pytest.raises(ConservationError):
        collect(Tokens(), batch, Probe(), ["gram"], backend="hooks")
    monkeypatch.setattr(_check, "_signs", lambda batch, probe, like: like.new_ones(N))
    collect(Tokens(), batch, Probe(), ["gram"], backend="hooks")  # equal signs do not see it


class ReadsItsChildsWeight(nn.Module):
    """Uses a child's weight directly, past the child's forward, once more."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.child = nn.Linear(6, 6)
        self.last = nn.Linear(6, 3)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.child(x))
        return self.last(F.linear(x, self.child.weight).mean(1))


def test_module_that_reads_its_childs_weight_is_found(batch: Batch) -> None:
    with pytest.raises(ConservationError, match=r"child\.weight"):
        collect(ReadsItsChildsWeight(), batch, Probe(), ["gram"], backend="hooks")


def test_auto_goes_on_to_a_backend_that_is_right(batch: Batch) -> None:
    auto = collect(ReadsItsChildsWeight(), batch, Probe(), ["gram"])
    loop = collect(ReadsItsChildsWeight(), batch, Probe(), ["gram"], backend="loop")
    assert auto.backend.startswith("vmap")
    assert "child.weight" in auto.backend  # it says why hooks were left
    torch.testing.assert_close(auto.gram, loop.gram, rtol=1e-9, atol=0)


class SequenceFirst(nn.Module):
    """Attention over sequences on axis 0, with as many tokens as samples."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.attention = nn.MultiheadAttention(6, 2)
        self.last = nn.Linear(6, 3)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(0, 1)
        x = F.gelu(self.last(self.attention(x, x, x, need_weights=False)[0]))
        return x.mean(0)


def test_sequence_first_with_length_equal_to_the_samples(batch: Batch) -> None:
    with pytest.raises(ConservationError):
        collect(SequenceFirst(), batch, Probe(), ["gram"], backend="hooks")
    auto = collect(SequenceFirst(), batch, Probe(), ["gram"])
    loop = collect(SequenceFirst(), batch, Probe(), ["gram"], backend="loop")
    torch.testing.assert_close(auto.gram, loop.gram, rtol=1e-9, atol=0)


def test_a_kind_of_layer_is_checked_once_in_a_process(batch: Batch) -> None:
    collect(Tokens(), batch, Probe(), ["gram"])
    verified = set(_check._verified)
    assert verified
    collect(Tokens(), batch, Probe(), ["gram"])
    assert _check._verified == verified
    collect(Tokens(), batch[:2], Probe(), ["gram"])  # other shapes, another kind
    assert _check._verified > verified
