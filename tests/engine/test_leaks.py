"""Two hundred scores leave no tensor, no hook and no memory behind."""

import gc

import pytest
import torch
from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.probe import Probe

NEEDS = ["gram", "agreement", "input_spectra", "output_spectra", "activation_matches", "macs"]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )  # fmt: skip


def live_tensors() -> int:
    gc.collect()
    return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@pytest.mark.parametrize(("backend", "count"), [("hooks", 200), ("vmap", 20), ("loop", 20)])
def test_nothing_grows(backend: str, count: int) -> None:
    model = network()
    batch = Batch(torch.randn(4, 3, 8, 8), torch.arange(4) % 3)
    freed: list[int] = []

    class Counted(torch.autograd.Function):
        """Tells when the graph that it is part of is freed."""

        @staticmethod
        def forward(ctx, x):
            ctx.token = Token()
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad

    class Token:
        def __del__(self) -> None:
            freed.append(1)

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, x: Tensor) -> Tensor:
            x = self.inner[:3](x)
            if torch.is_grad_enabled() and backend != "vmap":
                x = Counted.apply(x)
            return self.inner[3:](x)

    net = Wrapped()
    collect(net, batch, Probe(), NEEDS, backend=backend, check="always")
    before = live_tensors(), hooks(net)
    freed.clear()
    for _ in range(count):
        collect(net, batch, Probe(), NEEDS, backend=backend, check="never")
    assert live_tensors() <= before[0]
    assert hooks(net) == before[1] == 0
    if backend == "hooks":  # graphs are freed by reference counting, not kept by a hook
        assert len(freed) >= count


@pytest.mark.parametrize("norm", ["batch_fixed", "sample", "batch"])
def test_repeated_results_are_bitwise_equal(norm: str) -> None:
    batch = Batch(torch.randn(6, 3, 8, 8), torch.arange(6) % 3)
    first, second = (collect(network(), batch, Probe(norm=norm), NEEDS) for _ in range(2))
    assert torch.equal(first.gram, second.gram)
    assert torch.equal(first.agreement, second.agreement)
    for one, other in zip(first.layers, second.layers, strict=True):
        assert torch.equal(one.input_spectrum, other.input_spectrum)
        assert torch.equal(one.output_spectrum, other.output_spectrum)


def test_the_order_of_models_does_not_matter() -> None:
    batch = Batch(torch.randn(6, 3, 8, 8), torch.arange(6) % 3)
    small, large = network(), nn.Sequential(nn.Flatten(), nn.Linear(192, 9), nn.Linear(9, 3))
    alone = collect(small, batch, Probe(), NEEDS)
    collect(large, batch, Probe(), NEEDS)
    after = collect(small, batch, Probe(), NEEDS)
    assert torch.equal(alone.gram, after.gram)
    assert torch.equal(alone.agreement, after.agreement)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("budget", [1, 5_000, 100_000, 1 << 28])
def test_byte_budget_changes_nothing(budget: int, dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(),
        nn.Conv2d(12, 12, 3, stride=2, groups=3), nn.ReLU(),
        nn.Conv2d(12, 8, (3, 1), padding=(2, 0), dilation=(2, 1)), nn.ReLU(),
        nn.ConvTranspose2d(8, 6, 2, stride=2), nn.ReLU(),
        nn.Flatten(2), nn.Linear(36, 7), nn.Flatten(), nn.Linear(42, 5),
    )  # fmt: skip
    x = torch.randn(4, 3, 8, 8)
    net = net.to(dtype)
    batch = Batch(x.to(dtype), torch.arange(4) % 5)
    needs = ["gram", "agreement", "filter_alignment"]
    whole = collect(net, batch, Probe(norm="sample"), needs, backend="hooks", check="never")
    parts = collect(
        net, batch, Probe(norm="sample"), needs, backend="hooks", check="always", byte_budget=budget
    )
    scale = whole.gram.abs().amax((1, 2), keepdim=True)
    assert float(((parts.gram - whole.gram).abs() / scale).max()) < tolerance
    torch.testing.assert_close(
        parts.filter_alignment, whole.filter_alignment, rtol=10 * tolerance, atol=0
    )
    differing = (parts.agreement - whole.agreement).abs().sum() / whole.agreement.sum()
    assert float(differing) < (1e-12 if dtype is torch.float64 else 1e-3)
