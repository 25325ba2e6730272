import math

import pytest
import torch
import torch.nn.functional as F
from tests.proxies.build import build, random_measured
from torch import nn

import gradalign as ga
from gradalign.errors import UndefinedScore
from gradalign.proxies.attention import attention_confidence, dss, head_importance
from gradalign.statistics import Block, Statistics


def test_attention_confidence_by_hand():
    values = {"attention_maxima": torch.tensor([0.5, 0.25, 0.75])}
    assert attention_confidence(Statistics(n=1, blocks=(), values=values)) == 0.5


@pytest.mark.parametrize(
    ("maxima", "status"), [([], "unsupported"), ([0.5, math.nan], "nan")], ids=["none", "nan"]
)
def test_no_confidence(maxima, status):
    stats = Statistics(n=1, blocks=(), values={"attention_maxima": torch.tensor(maxima)})
    with pytest.raises(UndefinedScore) as raised:
        attention_confidence(stats)
    assert raised.value.status == status


class Tokens(nn.Module):
    """Attention with its weights written out, over tokens of 6 channels in 2 heads."""

    def __init__(self, way="softmax"):
        super().__init__()
        self.way = way
        self.attn = nn.Linear(6, 18)
        self.mha = nn.MultiheadAttention(6, 2, batch_first=True)
        self.head = nn.Linear(6, 2)
        self.weights = None

    def forward(self, x):
        if self.way == "module":
            return self.head(self.mha(x, x, x, need_weights=False)[0].mean(1))
        q, k, v = self.attn(x).unflatten(2, (3, 2, 3)).permute(2, 0, 3, 1, 4)
        if self.way == "fused":
            out = F.scaled_dot_product_attention(q, k, v)
        else:
            out = (q @ k.mT / 3**0.5).softmax(-1) @ v
        return self.head(out.transpose(1, 2).flatten(2).mean(1))


def naive_confidence(net, x):
    if net.way == "module":
        weights = net.mha(x, x, x, average_attn_weights=False)[1]
    else:
        q, k, _ = net.attn(x).unflatten(2, (3, 2, 3)).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.mT / 3**0.5, -1)
    return sum(
        max(row) for sample in weights.tolist() for head in sample for row in head
    ) / math.prod(weights.shape[:3])


def scored(net, batch, name, **options):
    return ga.score(net, batch, proxies=[name], **options)[name]


@pytest.fixture
def tokens():
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(4, 5, 6, generator=generator, dtype=torch.float64)
    return x, torch.tensor([0, 1, 1, 0])


@pytest.mark.parametrize("way", ["softmax", "fused", "module"])
def test_confidence_of_every_kind_of_attention_equals_naive_loop(way, tokens):
    torch.manual_seed(0)
    net = Tokens(way).double()
    found = scored(net, tokens, "attention_confidence").value
    assert found == pytest.approx(naive_confidence(net, tokens[0]), rel=1e-12)


@pytest.mark.parametrize("proxy", ["attention_confidence", "head_importance", "dss"])
def test_network_without_attention_is_unsupported(proxy):
    net = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 2))
    found = scored(net, (torch.randn(3, 6), torch.tensor([0, 1, 0])), proxy)
    assert found.status == "unsupported"
    assert "attention" in found.reason


def test_head_importance_by_hand():
    blocks = tuple(Block(name, (1, 2), macs=2) for name in ("layer.Attention.q", "fc", "attn.v"))
    sums = {"attention_saliency": torch.tensor([3.0, 1.5, 2.0], dtype=torch.float64)}
    assert head_importance(Statistics(n=1, blocks=blocks, values={"weight_sums": sums})) == 5


def test_head_importance_equals_autograd(tokens):
    torch.manual_seed(0)
    net = Tokens().double()
    found = scored(net, tokens, "head_importance").value
    net(tokens[0]).sum().backward()
    weight = net.attn.weight
    assert found == pytest.approx(float((weight * weight.grad).detach().abs().sum()), rel=1e-12)


def test_dss_by_hand():
    blocks = (Block("attn.q", (2, 2), macs=4), Block("fc", (1, 2), macs=2))
    # Singular values 3 and 2, and 1 and 1: 5 * 2; then |2 * -.5| + |1 * 3|.
    weights = torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([[2.0, 1.0]])
    gradients = torch.eye(2), torch.tensor([[-0.5, 3.0]])
    values = {"weights": weights, "batch_gradient": gradients}
    assert dss(Statistics(n=1, blocks=blocks, values=values)) == pytest.approx(10 + 4)


@pytest.mark.parametrize("n", [1, 4])
def test_naive_dss(n):
    stats = build(random_measured(n))
    expected = 0.0
    for block, weight, gradient in zip(
        stats.blocks, stats.weights, stats.batch_gradient, strict=True
    ):
        if "attention" in block.name:
            norms = [
                torch.linalg.matrix_norm(x.reshape(block.shape), "nuc") for x in (weight, gradient)
            ]
            expected += float(norms[0] * norms[1])
        else:
            expected += sum(
                abs(w * g) for w, g in zip(weight.tolist(), gradient.tolist(), strict=True)
            )
    assert dss(stats) == pytest.approx(expected)


def test_dss_has_its_own_probe(tokens):
    torch.manual_seed(0)
    net = Tokens()
    found = scored(net, (tokens[0].float(), tokens[1]), "dss").value
    net = net.double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
    net(torch.ones(1, 5, 6, dtype=torch.float64)).sum().backward()
    nuclear = [torch.linalg.matrix_norm(x, "nuc") for x in (net.attn.weight, net.attn.weight.grad)]
    rest = (net.head.weight * net.head.weight.grad).abs().sum()
    assert found == pytest.approx(float((nuclear[0] * nuclear[1] + rest).detach()), rel=1e-6)
