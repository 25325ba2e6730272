import collections
import itertools
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces import get_space
from gradalign.spaces._nats_network import Cell
from gradalign.spaces.nats_sss import EXAMPLE, NATS_SSS, WIDTHS, Architecture

architectures = st.tuples(*[st.sampled_from((8, 16, 24, 32, 40, 48, 56, 64))] * 5).map(Architecture)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


# Spelling


@given(architectures)
def test_format_and_parse_are_inverse(arch):
    text = "{}:{}:{}:{}:{}".format(*arch.widths)
    assert NATS_SSS.format(arch) == str(arch) == NATS_SSS.canonical(arch) == text
    assert NATS_SSS.parse(text) == NATS_SSS.parse(f" {text}\n") == arch


@given(st.text() | st.text(alphabet=":0123456789 \n", max_size=20))
def test_any_text_is_an_architecture_or_an_input_error(text):
    try:
        spelled = NATS_SSS.format(NATS_SSS.parse(text))
    except InputError as error:
        message = str(error)
        spelled = text.strip()
    else:
        message = "none"
    assert len(message.splitlines()) == 1
    assert spelled == text.strip()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "'' is no width"),
        ("8:16:24:64", "has 5 layers, found 4 widths"),
        ("8:16:24:64:40:8", "has 5 layers, found 6 widths"),
        ("8:16:24:64:72", "'72' is no width: choose from 8, 16, 24, 32, 40, 48, 56, 64"),
        ("8:16:24:64:08", "'08' is no width"),
        ("8:16:24: 64:40", "' 64' is no width"),
        ("8:16:24:64:٨", "is no width"),
        ("8:16:24:64:" + "9" * 9999, "is no width"),
    ],
)
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        NATS_SSS.parse(text)
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert "\n" not in message
    assert len(message) < 600


def test_an_architecture_is_checked_when_made_by_hand():
    with pytest.raises(InputError, match="5 layers, found 1"):
        Architecture((8,))
    with pytest.raises(InputError, match="no width '12'"):
        Architecture((8, 8, 8, 8, 12))


# The set


def test_enumerate_gives_every_architecture_once_in_the_published_order():
    everything = list(NATS_SSS.enumerate())
    assert len(everything) == len(set(everything)) == NATS_SSS.size == 32_768 == 8**5
    assert str(everything[0]) == "8:8:8:8:8"
    assert str(everything[12]) == "8:8:8:16:40"
    assert str(everything[-1]) == "64:64:64:64:64"


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [NATS_SSS.sample(rng) for _ in range(6_400)]

    drawn = draw(0)
    assert drawn == draw(0) != draw(1)
    for layers in itertools.combinations(range(5), 2):  # each pair of layers: 64 cells of 100
        pairs = collections.Counter(tuple(a.widths[layer] for layer in layers) for a in drawn)
        cells = itertools.product(WIDTHS, repeat=2)
        assert sum((pairs[cell] - 100) ** 2 / 100 for cell in cells) < 115  # 63 degrees: p = 7e-5


@given(architectures)
def test_neighbours_differ_in_exactly_one_width(arch):
    neighbours = NATS_SSS.neighbours(arch)
    assert len(neighbours) == len(set(neighbours)) == 35
    for other in neighbours:
        assert sum(a != b for a, b in zip(arch.widths, other.widths, strict=True)) == 1


@given(architectures)
def test_a_trial_reaches_every_architecture(arch):
    optuna = pytest.importorskip("optuna")
    trial = optuna.trial.FixedTrial({f"layer {i}": width for i, width in enumerate(arch.widths)})
    assert NATS_SSS.suggest(trial) == arch


# Networks


def naive_parameters(widths: tuple[int, ...], classes: int) -> int:
    """Parameters, counted from the published description."""

    def convolution(c_in: int, c_out: int, kernel: int) -> int:  # no bias, affine normalisation
        return c_in * c_out * kernel**2 + 2 * c_out

    def cell(a: int, b: int) -> int:
        skip = 0 if a == b else convolution(a, b, 1)
        return 2 * convolution(a, b, 3) + skip + 3 * convolution(b, b, 3)

    def reduction(a: int, b: int) -> int:
        return convolution(a, b, 3) + convolution(b, b, 3) + a * b

    a, b, c, d, e = widths
    return (
        convolution(3, a, 3)
        + cell(a, a)
        + reduction(a, b)
        + cell(b, c)
        + reduction(c, d)
        + cell(d, e)
        + 2 * e
        + (e + 1) * classes
    )


@given(architectures, st.sampled_from(sorted(NATS_SSS.tasks)))
def test_parameters_by_hand(arch, task):
    with torch.device("meta"):
        net = NATS_SSS.build(arch, task=task)
    assert parameters(net) == naive_parameters(arch.widths, NATS_SSS.task(task).num_classes)


def test_costs_are_the_published_ones():
    """Architecture 12 as the table's authors print it: 0.067378 M and 7.991706 M."""
    with torch.device("meta"):
        assert parameters(NATS_SSS.build("8:8:8:16:40", task="cifar10")) == 67_378
    assert NATS_SSS.published_flops("8:8:8:16:40", "cifar10") == 7_991_706


def test_a_cell_that_keeps_the_width_is_one_of_nb201():
    cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
    cell += "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    theirs = get_space("nb201").build(cell, channels=16, cells=1).cells[0]
    ours = NATS_SSS.build("16:16:16:16:16").cells[0]
    assert theirs.state_dict().keys() == ours.state_dict().keys()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 16, 8, 8)
    assert torch.equal(ours(x), theirs(x))


def test_a_cell_computes_the_published_sum():
    cell = Cell(4, 6).double().eval()
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)

    def conv(edge: int, value: torch.Tensor) -> torch.Tensor:
        weight = cell.get_parameter(f"layers.{edge}.op.1.weight")
        return nn.functional.conv2d(value.relu(), weight, padding=1) / (1 + 1e-5) ** 0.5

    skip = nn.functional.conv2d(x, cell.layers[3][0].weight) / (1 + 1e-5) ** 0.5  # no ReLU first
    first = conv(0, x)
    second = conv(1, x) + conv(2, first)
    third = skip + conv(4, first) + conv(5, second)
    torch.testing.assert_close(cell(x), third, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [8, 16, 32])
def test_forward_gives_logits_and_every_parameter_a_gradient(size):
    net = NATS_SSS.build(EXAMPLE, num_classes=7, seed=0)
    assert net.training
    out = net(torch.randn(2, 3, size, size))
    assert out.shape == (2, 7)
    nn.functional.cross_entropy(out, torch.tensor([0, 1])).backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_there_are_no_options():
    with pytest.raises(InputError, match="no option 'channels': it has none at all"):
        NATS_SSS.build(EXAMPLE, channels=8)
