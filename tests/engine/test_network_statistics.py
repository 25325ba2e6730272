"""Statistics of a network's inputs and outputs, against plain loops in float64."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.nets import CASES
from torch import nn

from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.errors import UnsupportedError
from gradalign.probe import Probe


def tensor(net, batch, need, norm="batch"):
    return collect(net.double(), batch, Probe(norm=norm), [need]).tensor(need)


def images(n=6, channels=3, side=8):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, channels, side, side, generator=generator, dtype=torch.float64)
    return Batch(x, torch.arange(n) % 2)


def small(width=10, classes=3):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.ReLU()),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, classes),
    ).double()


@pytest.mark.parametrize("norm", ["frozen", "sample", "batch_fixed"])
def test_input_gradient_of_single_samples(norm):
    net, batch = CASES["residual"].make(), Batch(*CASES["residual"].batch())
    found = tensor(net, batch, "input_gradient", norm)
    for i in range(len(batch)):  # nothing of one sample reaches another
        other = batch.inputs.flip(0) if norm != "batch_fixed" else batch.inputs
        other = other.clone()
        other[i] = batch.inputs[i]
        again = tensor(net, Batch(other, batch.targets), "input_gradient", norm)
        torch.testing.assert_close(again[i], found[i])


def test_input_gradient_is_that_of_train_mode():
    net, batch = small(), images()
    x = batch.inputs.clone().requires_grad_()
    (expected,) = torch.autograd.grad(net.train()(x).sum(), x)
    net[0][2] = nn.ReLU(inplace=True)
    torch.testing.assert_close(tensor(net, batch, "input_gradient"), expected.flatten(1))


def test_input_gradient_that_cancels_over_the_batch_is_zero():
    case = CASES["norm_before_pooling"]
    net, batch = case.make(), Batch(*case.batch())
    assert not tensor(net, batch, "input_gradient", "batch").any()
    assert tensor(net, batch, "input_gradient", "batch_fixed").any()


def test_token_ids_have_no_gradient():
    case = CASES["language_model"]
    with pytest.raises(UnsupportedError, match="token ids"):
        tensor(case.make(), Batch(*case.batch()), "input_gradient")


def test_labels_are_whole_numbers():
    batch = images()
    assert tensor(small(), batch, "labels").tolist() == [0, 1, 0, 1, 0, 1]
    with pytest.raises(UnsupportedError, match="class labels"):
        tensor(small(), Batch(batch.inputs, torch.zeros(6, 2)), "labels")


class Functional(nn.Module):
    """A network that pools by a function, behind an activation that is no module."""

    def __init__(self, pool):
        super().__init__()
        self.conv, self.gate, self.head = nn.Conv2d(3, 5, 3), nn.Linear(5, 5), nn.Linear(5, 2)
        self.pool = pool

    def body(self, x):
        x = self.conv(x).tanh()
        return x * self.gate(x.mean((2, 3))).sigmoid()[:, :, None, None]

    def forward(self, x):
        return self.head(self.pool(self.body(x)).flatten(1))


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: F.adaptive_avg_pool2d(x, 1),
        lambda x: F.avg_pool2d(x, 6),
        lambda x: x.mean((2, 3)),
        lambda x: torch.amax(x, dim=(-2, -1), keepdim=True),
        lambda x: F.max_pool2d(x, kernel_size=6),
    ],
)
def test_final_features_are_what_is_pooled_last(pool):
    net, batch = Functional(pool).double(), images()
    expected = net.body(batch.inputs).flatten(1).detach()
    torch.testing.assert_close(tensor(net, batch, "final_features"), expected)


def test_final_features_of_a_flattened_map_and_of_tokens():
    flat = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 2))
    batch = images()
    expected = flat.double()[:2](batch.inputs).flatten(1).detach()
    torch.testing.assert_close(tensor(flat, batch, "final_features"), expected)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0).double()
    answers = nn.Sequential(layer, nn.LayerNorm(8), nn.Linear(8, 9)).double()  # for each token
    tokens = Batch(torch.randn(3, 5, 8, dtype=torch.float64), torch.zeros(3, 5, dtype=torch.long))
    expected = answers[:2](tokens.inputs).flatten(1).detach()
    torch.testing.assert_close(tensor(answers, tokens, "final_features"), expected)


def test_vectors_have_no_final_features():
    with pytest.raises(UnsupportedError, match="no feature map"):
        tensor(nn.Linear(4, 2), Batch(torch.randn(3, 4), torch.zeros(3).long()), "final_features")


def test_norm_scales_are_torch_s_own_running_variances():
    norm = nn.BatchNorm2d(3, momentum=0.3).double()
    unused, free = nn.BatchNorm1d(2).double(), nn.BatchNorm2d(3, track_running_stats=False)
    norm.running_var.copy_(torch.tensor([1.0, 2.0, 4.0]))
    net = nn.Sequential(norm, norm, free.double())  # one of them is used twice
    net.unused, net.head = unused, nn.Linear(3, 2)
    net.forward = lambda x: net.head(free(norm(norm(x))).mean((2, 3)))
    batch = images()
    rows = tensor(net, batch, "norm_scales")
    before = norm.running_var.mean()
    norm.train()
    norm(norm(batch.inputs))
    found = rows[:, 0] * rows[:, 1] + rows[:, 2]
    assert rows[0, 0] == before
    assert found[0] == pytest.approx(float(norm.running_var.mean()), rel=1e-12)
    assert rows[1].tolist()[:2] == [0.0, 0.0]
    assert rows[2].tolist() == [1.0, 1.0, 0.0]


def outputs(net, x):
    """What every module puts out for the batch `x` in train mode, in the order of the calls."""
    found = []
    handles = [
        m.register_forward_hook(lambda m, _, out: found.append((m, out.detach())))
        for m in net.modules()
    ]
    net.train()(x)
    for handle in handles:
        handle.remove()
    return found


def correlations(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of vectors, which have no correlation
        return np.nan_to_num(np.corrcoef(rows.numpy()))


def test_smallest_correlations_equal_a_loop_by_numpy():
    net, batch = small(), images(side=12)
    with torch.no_grad():
        net[0][0].bias[1] = -100.0  # and so a channel that is constant behind the ReLU
        net[0][1].weight[1] = 0.0
    expected = [
        np.linalg.eigvalsh(correlations(out[0].reshape(out.shape[1], -1))).min()
        for _, out in outputs(net, batch.inputs)
    ]
    found = tensor(net, batch, "smallest_correlations")
    assert len(found) == 8
    assert found.numpy() == pytest.approx(np.array(expected), abs=1e-12)
    assert found[0] > 0.01


def test_sampled_correlations_depend_on_the_seed_alone():
    net, batch = small(), images(side=12)
    found = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        torch.rand(seed)  # however much was drawn before
        found.append(tensor(net, batch, "sampled_correlations"))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    everything = tensor(net, batch, "smallest_correlations")
    # The smallest eigenvalue of a part is never below that of the whole.
    assert bool((found[0] >= everything * 10 / 8 - 1e-12)[:4].all())
    few = small(width=8)
    torch.testing.assert_close(
        tensor(few, batch, "sampled_correlations"), tensor(few, batch, "smallest_correlations")
    )


def test_output_conditions_equal_a_loop():
    net, batch = small(), images()
    found = tensor(net, batch, "output_conditions")
    for value, (_, out) in zip(found, outputs(net, batch.inputs), strict=True):
        singular = np.linalg.svd(out[0].reshape(out.shape[1], -1).numpy(), compute_uv=False)
        assert float(value) == pytest.approx(singular.min() / singular.max(), abs=1e-12)


def test_output_ranks_equal_the_authors_way_of_cutting():
    net, batch = small(), images()
    expected = []
    for module, out in outputs(net, batch.inputs):
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Linear)):
            rows = out.transpose(1, 3).flatten(0, 2) if out.dim() == 4 else out
            p = np.linalg.svd(rows[: rows.shape[1]].numpy(), compute_uv=False)
            p = p / p.sum()
            expected.append(np.exp(-sum(q * np.log(q) for q in p if q > 0)))
    assert tensor(net, batch, "output_ranks").numpy() == pytest.approx(np.array(expected))


def test_curve_derivatives_equal_finite_differences():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 9), nn.Tanh(), nn.Linear(9, 4)).double()
    batch = Batch(torch.zeros(1, 3, 2, 2, dtype=torch.float64), torch.zeros(1).long())
    torch.manual_seed(7)
    v, a = tensor(net, batch, "curve_derivatives")
    drawn = torch.randn(12, 2, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    plane = torch.linalg.svd(drawn, full_matrices=False).U

    def f(t):
        return net((plane @ torch.tensor([np.cos(t), np.sin(t)]).double()).reshape(1, 3, 2, 2))[0]

    step = 1e-4
    with torch.no_grad():
        torch.testing.assert_close(v, (f(step) - f(-step)) / (2 * step), rtol=1e-6, atol=1e-8)
        second = (f(step) - 2 * f(0.0) + f(-step)) / step**2
        torch.testing.assert_close(a, second, rtol=1e-5, atol=1e-6)


class Layered(nn.Module):
    """ReLUs before, in and behind a list of layers."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.cells = nn.ModuleList(
            nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)) for _ in range(2)
        )
        self.last, self.head = nn.ReLU(), nn.Linear(4, 3)

    def forward(self, x):
        x = self.stem(x) - 0.1
        for cell in self.cells:
            x = x + cell(x)  # what enters a ReLU is used again
        return self.head(self.last(x).mean((2, 3)))


def test_response_correlations_equal_full_backward_hooks():
    torch.manual_seed(0)
    net, batch = Layered().double(), images()
    relus = [net.cells[0][0], net.cells[1][0], net.last]
    expected = np.zeros((3, 6, 6))
    handles = []
    for k, relu in enumerate(relus):

        def forward(_m, args, _out, k=k):
            expected[k] += np.abs(correlations(args[0].detach().flatten(1)))

        def backward(_m, grads, _out, k=k):
            expected[k] += np.abs(correlations(grads[0].flatten(1)))

        handles += [relu.register_forward_hook(forward), relu.register_full_backward_hook(backward)]
    F.cross_entropy(net(batch.inputs), batch.targets).backward()
    for handle in handles:
        handle.remove()
    found = tensor(net, batch, "response_correlations")
    assert found.numpy() == pytest.approx(expected)


def test_layers_that_cannot_be_told_are_refused():
    with pytest.raises(UnsupportedError, match="no list of modules"):
        tensor(small(), images(), "response_correlations")
