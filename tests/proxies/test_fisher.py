from dataclasses import replace

import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, random_measured
from torch import nn

import gradalign as ga
from gradalign.errors import UndefinedScore
from gradalign.proxies.fisher import fisher, fisher_channel


def with_saliency(n, **values):
    stats = build(random_measured(n))
    return replace(stats, values={**stats.values, **values})


def test_fisher_by_hand():
    # A convolution without bias with 2 weights a channel, one position, outputs a = (1, 2) and
    # (3, 0), gradients of the losses (4, 1) and (1, 5): products (4, 2) and (3, 0), mean squares
    # 12.5 and 2, of the summed loss, and 2 weights each: 29 / (2 * 2^2).
    saliency = torch.tensor([2 * (12.5 + 2.0)], dtype=torch.float64)
    assert fisher(with_saliency(2, axis_saliency=saliency)) == pytest.approx(3.625)
    assert fisher_channel(with_saliency(2, channel_saliency=saliency)) == pytest.approx(3.625)


def test_sums_over_blocks():
    parts = torch.tensor([1.0, 0.0, 5.0], dtype=torch.float64)
    assert fisher(with_saliency(1, axis_saliency=parts)) == pytest.approx(3)
    assert fisher_channel(with_saliency(1, channel_saliency=parts)) == pytest.approx(3)


@pytest.mark.parametrize("proxy", [fisher, fisher_channel])
def test_without_any_gradient_there_is_no_score(proxy):
    zero = torch.zeros(3, dtype=torch.float64)
    with pytest.raises(UndefinedScore) as caught:
        proxy(with_saliency(2, axis_saliency=zero, channel_saliency=zero))
    assert caught.value.status == "no_gradient"


def naive_fisher(net, x, y, *, tokens_are_channels):
    """From the mean loss, by a loop over layers, samples and channels."""
    outputs = []
    for layer in (net[0], net[2]):
        layer.register_forward_hook(lambda module, _, out: outputs.append((module, out)))
    loss = nn.functional.cross_entropy(net(x).mean(1), y)
    gradients = torch.autograd.grad(loss, [out for _, out in outputs])
    total = 0.0
    for (layer, out), grad in zip(outputs, gradients, strict=True):
        product = (out * grad).detach()  # [n, tokens, channels]
        for c in range(product.shape[1 if tokens_are_channels else 2]):
            squares = 0.0
            for sample in product:
                one = sample[c] if tokens_are_channels else sample[:, c]
                squares += float(one.sum()) ** 2 / len(x)
            total += layer.in_features * squares / 2
    return total


@pytest.mark.parametrize(
    ("name", "tokens_are_channels"), [("fisher", True), ("fisher_channel", False)]
)
def test_of_a_network_on_tokens(name, tokens_are_channels):
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 2)).double()
    x, y = torch.randn(4, 6, 3).double(), torch.tensor([0, 1, 1, 0])

    class MeanOfTokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = layers

        def forward(self, x):
            return self.layers(x).mean(1)

    found = ga.score(MeanOfTokens(), (x, y), proxies=[name])[name].value
    expected = naive_fisher(layers, x, y, tokens_are_channels=tokens_are_channels)
    assert found == pytest.approx(expected)


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
@pytest.mark.parametrize("entry", ["fisher", "fisher_naslib"])
def test_authors_values(net, entry):
    oracles.agrees(net, entry, "fisher", oracles.images(64))


@pytest.mark.data
def test_channels_of_a_convolutional_network_are_the_authors():
    options = {"regime": "shared", "norm": "batch"}
    oracles.agrees("cell_cnn", "fisher", "fisher_channel", oracles.images(64), **options)
