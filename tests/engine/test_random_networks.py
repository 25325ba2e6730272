"""Networks that nobody thought of: Hypothesis draws them, auto, loop and the reference agree."""

import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.agreement import NEEDS, assert_agrees
from tests.reference import measure
from torch import nn

from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.probe import Probe

CHANNELS = 4
N = 4


class Block(nn.Module):
    """Layers around a connection: straight, residual, concatenated or run twice."""

    def __init__(self, layers, connection):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.connection = connection
        self.squeeze = nn.Conv2d(2 * CHANNELS, CHANNELS, 1) if connection == "concatenate" else None

    def forward(self, x):
        out = self.layers(x)
        if self.connection == "residual":
            out = out + x
        if self.connection == "in-place residual":
            out = out * 1
            out += x
        if self.connection == "concatenate":
            out = self.squeeze(torch.cat([out, x], 1))
        if self.connection == "twice":
            out = self.layers(out)
        return out


class TokenMixer(nn.Module):
    """Attention over the positions of a map."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(CHANNELS)
        self.qkv = nn.Linear(CHANNELS, 3 * CHANNELS)
        self.out = nn.Linear(CHANNELS, CHANNELS)

    def forward(self, x):
        rows = self.norm(x.flatten(2).transpose(1, 2))
        q, k, v = self.qkv(rows).chunk(3, 2)
        rows = self.out(torch.softmax(q @ k.transpose(1, 2), 2) @ v)
        return x + rows.transpose(1, 2).reshape(x.shape)  # without x, tokens soon grow alike


def convolution(draw):
    size = draw(st.sampled_from([1, 3]))
    dilation = draw(st.sampled_from([1, 2]))
    return nn.Conv2d(
        CHANNELS,
        CHANNELS,
        size,
        padding=size // 2 * dilation,
        dilation=dilation,
        groups=draw(st.sampled_from([1, 2, CHANNELS])),
        bias=draw(st.booleans()),
        padding_mode=draw(st.sampled_from(["zeros", "circular"])) if dilation == 1 else "zeros",
    )


def transposed(draw):
    groups = draw(st.sampled_from([1, 2]))
    return nn.ConvTranspose2d(CHANNELS, CHANNELS, 3, padding=1, groups=groups)


KINDS = {
    "convolution": convolution,
    "transposed": transposed,
    "tokens": lambda _: TokenMixer(),
    "relu": lambda draw: nn.ReLU(inplace=draw(st.booleans())),
    "silu": lambda _: nn.SiLU(),
    "batch norm": lambda draw: nn.BatchNorm2d(CHANNELS, affine=draw(st.booleans())),
    "group norm": lambda _: nn.GroupNorm(2, CHANNELS),
    "instance norm": lambda draw: nn.InstanceNorm2d(
        CHANNELS, affine=True, track_running_stats=draw(st.booleans())
    ),
    "dropout": lambda _: nn.Dropout2d(0.3),
}
CONNECTIONS = ["straight", "residual", "in-place residual", "concatenate", "twice"]


class Network(nn.Module):
    """A stem, some blocks, a classifier on pooled or flattened maps."""

    def __init__(self, blocks, pool):
        super().__init__()
        self.stem = nn.Conv2d(2, CHANNELS, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(*blocks)
        self.pool = pool
        self.head = nn.Linear(CHANNELS if pool else 9 * CHANNELS, 3)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        # a smooth function keeps a normalisation right before pooling from leaving no gradient
        return self.head(F.softplus(x).mean((2, 3)) if self.pool else x.flatten(1))


@st.composite
def networks(draw):
    """A network with every vector off its default."""
    torch.manual_seed(draw(st.integers(0, 1000)))
    blocks = []
    for _ in range(draw(st.integers(1, 3))):
        kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
        blocks.append(Block([KINDS[k](draw) for k in kinds], draw(st.sampled_from(CONNECTIONS))))
    if len(blocks) > 1 and draw(st.booleans()):
        blocks[-1] = blocks[0]  # one module in two places
    model = Network(blocks, draw(st.booleans())).double()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_()
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    if draw(st.booleans()):
        next(model.blocks.parameters(), model.stem.bias).requires_grad_(False)
    return model


def reference(model, batch, norm):
    """The reference, where ordinary autograd can run the network at all."""
    try:
        return measure(model, batch, norm)
    except RuntimeError as error:  # in-place operations in a row
        assume("inplace operation" not in str(error))
        raise


def is_stable(model, batch, norm, expected):
    """Whether rounding of the inputs stays rounding: a norm of what is constant multiplies it."""
    shaken = batch[0] * (1 + 1e-15 * torch.randn_like(batch[0]))
    other = reference(model, (shaken, batch[1]), norm).gradients
    pairs = [(g, other[name]) for name, g in expected.gradients.items() if g.numel()]
    largest = max(float(g.abs().max()) for g, _ in pairs)
    return all(float((g - h).abs().max()) <= 1e-11 * largest for g, h in pairs)


def check(model, norm, backends):
    torch.manual_seed(0)
    batch = torch.randn(N, 2, 6, 6, dtype=torch.float64), torch.randint(3, (N,))
    expected = reference(model, batch, norm)
    for backend in backends:
        found = collect(
            model, Batch(*batch), Probe(norm=norm), NEEDS, backend=backend, check="always"
        )
        layers = "inputs" if norm == "batch_exact" else "all"
        try:
            assert_agrees(found, expected, layers=layers)
        except AssertionError:
            assume(is_stable(model, batch, norm, expected))
            raise


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(networks(), st.sampled_from(["batch_fixed", "sample", "frozen", "identity"]))
def test_auto_and_loop_on_random_networks(network, norm):
    check(network, norm, ("auto", "loop"))


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(networks())
def test_batch_mode_on_random_networks(network):
    check(network, "batch", ("auto",))
