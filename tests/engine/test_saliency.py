"""Products of outputs and their gradients: the definition by autograd, and the backends alike."""

import pytest
import torch
from tests.nets import CASES, Case
from torch import Tensor, nn

import gradalign as ga
from gradalign.engine import collect
from gradalign.engine._layers import is_layer
from gradalign.probe import Probe

FIELDS = ("channel_saliency", "axis_saliency")
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")


def measured(case: Case, norm: str, backend: str) -> Tensor:
    """[2, L]."""
    stats = collect(
        case.make(),
        ga.Batch(*case.batch()),
        Probe(norm=norm),
        FIELDS,
        loss_fn=case.loss_fn,
        backend=backend,
        check="always",
    )
    return torch.stack([stats.tensor(name) for name in FIELDS])


def comparisons():
    for case in CASES.values():
        for norm in case.norms:
            hooks = norm != "batch_exact" and norm not in case.no_hooks
            vmap = norm != "batch_exact" and not case.no_vmap
            if norm == "batch" or norm in case.dead or case.no_way:
                continue
            for backend in ["hooks"] * hooks + ["vmap"] * vmap:
                yield pytest.param(case, norm, backend, id=f"{case.name}-{norm}-{backend}")


@pytest.mark.parametrize(("case", "norm", "backend"), list(comparisons()))
def test_fast_backends_equal_the_loop(case, norm, backend):
    found = measured(case, norm, backend)
    torch.testing.assert_close(found, measured(case, norm, "loop"), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", ["residual", "inplace_relu", "used_twice", "windows", "conv3d"])
@pytest.mark.parametrize("norm", ["batch", "frozen"])
def test_definition_by_ordinary_autograd(name, norm):
    """Train mode is `batch`, eval mode `frozen`; sums by an explicit loop over samples."""
    case = CASES[name]
    inputs, targets = case.batch()
    model = case.make().train(norm == "batch")
    seen = []

    def keep(module: nn.Module, _args: object, out: Tensor) -> Tensor:
        seen.append((module, out))
        return out.clone()  # what follows may work in place

    for module in model.modules():
        if is_layer(module):
            module.register_forward_hook(keep)
    losses = nn.functional.cross_entropy(model(inputs), targets, reduction="sum")
    gradients = torch.autograd.grad(losses, [out for _, out in seen], allow_unused=True)
    names = {id(p): name for name, p in model.named_parameters()}
    expected: dict[str, Tensor] = {}
    for (module, out), grad in zip(seen, gradients, strict=True):
        pair = torch.stack(by_hand(module, out.detach(), grad, len(targets)))
        key = names[id(module.weight)]
        expected[key] = expected.get(key, torch.zeros(2)) + pair
    needs = [*FIELDS]
    stats = collect(case.make(), ga.Batch(inputs, targets), Probe(norm=norm), needs)
    assert {block.name for block in stats.blocks} == set(expected)
    for k, block in enumerate(stats.blocks):
        found = torch.stack([stats.tensor(field)[k] for field in FIELDS])
        torch.testing.assert_close(found, expected[block.name].double(), rtol=1e-9, atol=1e-15)


def by_hand(module: nn.Module, out: Tensor, grad: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The two sums of one call, sample by sample and channel by channel."""
    product = out * grad
    last = isinstance(module, nn.Linear)
    count = product.shape[-1] if last else product.shape[1]
    fan = module.weight.numel() // count
    by_channel = torch.zeros((), dtype=torch.float64)
    for rows in product.chunk(n):  # the rows of one sample
        for c in range(count):
            one = rows[..., c] if last else rows[:, c]
            by_channel = by_channel + one.sum() ** 2 / n
    by_axis = torch.zeros((), dtype=torch.float64)
    for row in product:
        for entry in row:
            by_axis = by_axis + entry.sum() ** 2 / len(product)
    return fan * by_channel, fan * by_axis


def test_an_output_overwritten_in_place_is_computed_anew():
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.second(self.first(x).relu_())

    torch.manual_seed(0)
    net = InPlace().double()
    batch = ga.Batch(torch.randn(4, 3).double(), torch.tensor([0, 1, 1, 0]))
    hooks = collect(net, batch, Probe(), FIELDS, backend="hooks").tensor("channel_saliency")
    loop = collect(net, batch, Probe(), FIELDS, backend="loop").tensor("channel_saliency")
    torch.testing.assert_close(hooks, loop, rtol=1e-12, atol=0)


def test_blocks_that_are_no_weight_of_a_layer_have_none():
    net = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2))
    batch = ga.Batch(torch.tensor([[0, 1], [2, 3]]), torch.tensor([0, 1]))
    stats = collect(net, batch, Probe(params="all"), FIELDS)
    by_name = dict(zip([b.name for b in stats.blocks], stats.tensor(FIELDS[0]), strict=True))
    assert by_name["2.weight"] > 0
    assert by_name["0.weight"] == by_name["2.bias"] == 0
